import { afterEach, describe, expect, it } from '@jest/globals';
import {
  MessageProperty,
  Requests,
  ResponseCode,
  decodeProperties,
  encodeProperties,
  handlerTable,
} from '@nest-rocketmq/remoting/internal';
import type { Answer, HeaderOf, Reply } from '@nest-rocketmq/remoting/internal';
import { START, TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';

const TOPIC = 'DefaultCluster_REPLY_TOPIC';
const PROPERTIES = {
  MSG_TYPE: 'reply',
  CORRELATION_ID: 'question-1',
  REPLY_TO_CLIENT: 'requester',
  TTL: '3000',
  UNIQ_KEY: 'ABC',
};

type Push = HeaderOf<typeof Requests.PUSH_REPLY_MESSAGE_TO_CLIENT>;
interface Pushed {
  header: Push;
  body: string;
}

let running: TestBroker;
let pushed: Pushed[];
let replier: TestClient;
afterEach(() => running.stop());

async function started(options: Parameters<typeof TestBroker.start>[0] = {}): Promise<void> {
  running = await TestBroker.start(options);
  replier = await running.client();
  pushed = [];
}

/** A client that sends under the id 'requester', and answers pushes so. */
async function requester(answer: () => Answer | Promise<Answer> = () => ({})): Promise<TestClient> {
  const client = await running.client(
    handlerTable({
      PUSH_REPLY_MESSAGE_TO_CLIENT: ({ header, body }) => {
        pushed.push({ header, body: body.toString() });
        return answer();
      },
    }),
  );
  await client.produce('requester', 'asking');
  return client;
}

type Sent = Reply<typeof Requests.SEND_REPLY_MESSAGE>;

function reply(properties: Record<string, string> = PROPERTIES, body = 'answer'): Promise<Sent> {
  const header = {
    a: 'answering',
    b: TOPIC,
    c: 'TBW102',
    d: 4,
    e: 0,
    f: 0,
    g: START - 5,
    h: 7,
    i: encodeProperties(Object.entries(properties)),
  };
  const options = { body: Buffer.from(body), timeout: 30_000 };
  return replier.connection.request(Requests.SEND_REPLY_MESSAGE_V2, header, options);
}

const stored = () => replier.messages(TOPIC);

describe('a reply', () => {
  it('T043 is pushed to the requester, and stored in the reply topic as it was sent', async () => {
    await started();
    await requester();
    const answer = await reply();
    expect(answer).toMatchObject({ code: ResponseCode.SUCCESS, header: { queueId: 0, queueOffset: 0 } });
    expect(answer.extFields).toMatchObject({ MSG_REGION: 'DefaultRegion', TRACE_ON: 'true' });
    const { header, body } = pushed[0]!;
    expect(body).toBe('answer');
    expect(header).toMatchObject({
      producerGroup: 'answering',
      topic: TOPIC,
      queueId: 0,
      bornTimestamp: START - 5,
      flag: 7,
      bornHost: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      storeHost: '127.0.0.1:10911',
      storeTimestamp: START,
    });
    expect(Object.fromEntries(decodeProperties(header.properties!))).toEqual({
      ...PROPERTIES,
      PUSH_REPLY_TIME: String(START),
    });
    const message = (await stored())[0]!;
    expect(message).toMatchObject({ flag: 7, bornTimestamp: START - 5, offsetMsgId: answer.header.msgId });
    expect(message.body.toString()).toBe('answer');
    message.properties.delete(MessageProperty.CRC32);
    expect(Object.fromEntries(message.properties)).toEqual(PROPERTIES);
  });

  it('is answered with its own place, where others are stored at the same time', async () => {
    await started();
    await requester();
    const answers = await Promise.all([reply(), reply(), reply()]);
    const messages = await stored();
    const places = new Set(answers.map(({ header }) => header.msgId));
    expect(places).toEqual(new Set(messages.map((message) => message.offsetMsgId)));
  });

  it('may come with the long names of a 4.x client', async () => {
    await started();
    await requester();
    const properties = encodeProperties(Object.entries(PROPERTIES));
    const answer = await replier.connection.request(
      Requests.SEND_REPLY_MESSAGE,
      {
        producerGroup: 'answering',
        topic: TOPIC,
        defaultTopic: 'TBW102',
        defaultTopicQueueNums: 4,
        queueId: -1,
        sysFlag: 0,
        bornTimestamp: START,
        flag: 0,
        properties,
      },
      { body: Buffer.from('old') },
    );
    expect(answer.code).toBe(ResponseCode.SUCCESS);
    expect(pushed.map(({ body }) => body)).toEqual(['old']);
  });

  it('whose requester is gone is stored, and its replier is told', async () => {
    await started();
    const gone = await requester();
    gone.connection.close();
    await running.clock.advance(0);
    expect(await reply()).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'push reply message fail, channel of <requester> not found.',
    });
    expect(await stored()).toHaveLength(1);
  });

  it('is not pushed to a client whose producers have all left, though it is connected', async () => {
    await started();
    const { connection } = await requester();
    await running.clock.advance(0);
    await connection.request(Requests.UNREGISTER_CLIENT, { clientID: 'requester', producerGroup: 'asking' });
    expect(await reply()).toMatchObject({ code: ResponseCode.SYSTEM_ERROR });
    expect(pushed).toEqual([]);
  });

  it('goes to the newest connection of a requester that dialled anew', async () => {
    await started();
    const old = await requester(() => ({ code: ResponseCode.SYSTEM_ERROR }));
    await requester();
    old.connection.close();
    await running.clock.advance(0);
    expect(await reply()).toMatchObject({ code: ResponseCode.SUCCESS });
  });

  it('that names no requester cannot be pushed', async () => {
    await started();
    expect(await reply({ UNIQ_KEY: 'ABC' })).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'reply message properties[REPLY_TO_CLIENT] is null',
    });
  });

  it('that its requester refuses is told to the replier as a failure', async () => {
    await started();
    await requester(() => ({ code: ResponseCode.SYSTEM_ERROR, remark: 'no' }));
    expect(await reply()).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'push reply message to requesterfail.',
    });
  });

  it('whose requester says nothing for 10 s has failed', async () => {
    await started();
    await requester(() => new Promise(() => undefined));
    const answering = reply();
    await running.clock.advance(10_000);
    expect(await answering).toMatchObject({ remark: 'push reply message to requesterfail.' });
  });

  it('is not stored with storeReplyMessageEnable=false', async () => {
    await started({ storeReplyMessageEnable: false });
    await requester();
    expect(await reply()).toMatchObject({ code: ResponseCode.SUCCESS, header: { msgId: '0', queueOffset: 0 } });
    expect(await stored()).toEqual([]);
  });

  it('is refused while maxPendingReplies wait for their requesters, and taken again when one is done', async () => {
    await started({ maxPendingReplies: 1 });
    let confirm = (): void => undefined;
    await requester(() => new Promise((resolve) => (confirm = () => resolve({}))));
    const first = reply();
    await running.clock.advance(0);
    expect(await reply()).toMatchObject({
      code: ResponseCode.SYSTEM_BUSY,
      remark: expect.stringContaining('maxPendingReplies=1'),
    });
    confirm();
    expect(await first).toMatchObject({ code: ResponseCode.SUCCESS });
    const second = reply();
    await running.clock.advance(0);
    confirm();
    expect(await second).toMatchObject({ code: ResponseCode.SUCCESS });
  });

  it('is refused where others that come with it are as many as may wait', async () => {
    await started({ maxPendingReplies: 1 });
    await requester();
    const codes = (await Promise.all([reply(), reply()])).map(({ code }) => code);
    expect(codes).toEqual([ResponseCode.SUCCESS, ResponseCode.SYSTEM_BUSY]);
  });

  it('with a body that no topic takes reaches nobody', async () => {
    await started({ maxMessageSize: 10 });
    await requester();
    expect(await reply(PROPERTIES, 'x'.repeat(11))).toMatchObject({ code: ResponseCode.MESSAGE_ILLEGAL });
    expect(pushed).toEqual([]);
  });

  it('may be sent to no topic that the broker keeps for itself', async () => {
    await started();
    const header = { a: 'p', b: 'SCHEDULE_TOPIC_XXXX', c: 'TBW102', d: 4, e: 0, f: 0, g: START, h: 0 };
    const answer = await replier.connection.request(Requests.SEND_REPLY_MESSAGE_V2, header, { body: Buffer.from('x') });
    expect(answer.code).toBe(ResponseCode.NO_PERMISSION);
  });
});
