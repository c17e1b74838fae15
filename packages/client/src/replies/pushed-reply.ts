// Reads a reply that a broker pushes (PUSH_REPLY_MESSAGE_TO_CLIENT): it comes as header fields, not as a record.
import {
  AddressError,
  MessageProperty,
  SysFlag,
  decodeProperties,
  inflateBody,
  packHost,
  parseAddress,
  withoutCompression,
} from '@nest-rocketmq/remoting/internal';
import type { HostPort, IncomingRequest, MessageExt, Requests } from '@nest-rocketmq/remoting/internal';

type Push = IncomingRequest<typeof Requests.PUSH_REPLY_MESSAGE_TO_CLIENT>;

/** @returns undefined when the reply names no request */
export function correlationIdOf({ header }: Push): string | undefined {
  return decodeProperties(header.properties ?? '').get(MessageProperty.CORRELATION_ID);
}

/** It has no place in a queue: its offsets are -1. @param now ms since the epoch. @throws DecodeError */
export function decodePushedReply({ header, body }: Push, now: number): MessageExt {
  const properties = decodeProperties(header.properties ?? '');
  properties.set(MessageProperty.ARRIVE_TIME, String(now));
  const compressed = (header.sysFlag & SysFlag.COMPRESSED) !== 0;
  return {
    topic: header.topic,
    queueId: header.queueId,
    flag: header.flag,
    sysFlag: withoutCompression(header.sysFlag),
    // Copied: it shares memory with the socket's buffer.
    body: compressed ? inflateBody(body, header.sysFlag) : Buffer.from(body),
    properties,
    bornTimestamp: header.bornTimestamp,
    bornHost: hostOf(header.bornHost),
    storeTimestamp: header.storeTimestamp,
    storeHost: hostOf(header.storeHost),
    queueOffset: -1,
    physicalOffset: -1,
    preparedTransactionOffset: 0,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    storeSize: 0,
    bodyCrc: 0,
    msgId: properties.get(MessageProperty.UNIQ_KEY) ?? '',
    offsetMsgId: '',
  };
}

/** 'ip:port', with a slash before it from a 4.x broker. */
function hostOf(text: string): HostPort {
  try {
    const { host, port } = parseAddress(text.slice(text.lastIndexOf('/') + 1));
    return { address: packHost(host), port };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return { address: packHost(''), port: 0 };
  }
}
