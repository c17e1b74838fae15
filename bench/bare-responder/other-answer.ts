// Answers a producer's requests other than sends: the route of a topic, and success to everything else.
import {
  decodeFrame,
  emptyFields,
  encodeFrame,
  encodeRouteData,
  MASTER_ID,
  NO_BODY,
  Permission,
  Requests,
  RESPONSE_FLAG,
  ResponseCode,
} from '@nest-rocketmq/remoting/internal';

const BROKER = 'bare-responder';
const QUEUES = 4;

function route(address: string): Buffer {
  return encodeRouteData(
    {
      brokerDatas: [{ brokerName: BROKER, cluster: 'DefaultCluster', brokerAddrs: new Map([[MASTER_ID, address]]) }],
      queueDatas: [
        {
          brokerName: BROKER,
          readQueueNums: QUEUES,
          writeQueueNums: QUEUES,
          perm: Permission.READ | Permission.WRITE,
          topicSysFlag: 0,
        },
      ],
    },
    true,
  );
}

/** @param address host:port that clients are told to send to */
export function otherAnswer(frame: Buffer, address: string): Buffer {
  const request = decodeFrame(frame);
  return encodeFrame({
    ...request,
    code: ResponseCode.SUCCESS,
    flag: RESPONSE_FLAG,
    extFields: emptyFields(),
    body: request.code === Requests.GET_ROUTEINFO_BY_TOPIC.code ? route(address) : NO_BODY,
  });
}
