// Reads the options of a listener: what its typed topic brings along, and how its payload is read.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { InvalidListenerError } from '../errors.js';
import type { MessageListenerOptions, PayloadType } from '../decorators/listener-metadata.js';
import type { ListenerParams } from '../decorators/listener-params.js';
import { PAYLOAD_KINDS } from '../message/message-converter.js';
import type { PayloadKind } from '../message/message-converter.js';
import type { PayloadReading } from '../message/read-payload.js';
import { isTopic } from '../message/topic.js';
import { checkMethods, inside } from '../option-checks.js';
import { instanceMaker } from './class-instances.js';

/** The options of a listener whose topic is a name, and whose payload class stands in `payloadType`. */
export interface ListenerOptions extends Omit<MessageListenerOptions, 'payload'> {
  topic: string;
  payload?: PayloadKind;
}

/** @param name of the listener @throws InvalidListenerError when they contradict the typed topic */
export function plainOptions(name: string, given: MessageListenerOptions): ListenerOptions {
  const { payload, ...options } = given;
  const { tags, selectorExpression } = options;
  const { topic, tag } = isTopic(options.topic) ? options.topic : { topic: options.topic as string, tag: undefined };
  if (tag !== undefined && (tags ?? selectorExpression) !== undefined) {
    const option = tags === undefined ? 'selectorExpression' : 'tags';
    throw new InvalidListenerError(
      name,
      `its topic has the tag '${tag}' already. Leave ${option} out, or name the topic '${topic}'.`,
    );
  }
  return {
    ...options,
    topic,
    ...(tag !== undefined && { tags: [tag] }),
    ...payloadOptions(payload, options.payloadType),
  };
}

/** A class is the type of the parsed JSON; String and Buffer stand for the body itself. */
function payloadOptions(
  payload: MessageListenerOptions['payload'],
  payloadType: PayloadType | undefined,
): Pick<ListenerOptions, 'payload' | 'payloadType'> {
  if (typeof payload !== 'function') return payload === undefined ? {} : { payload };
  if (payloadType !== undefined && payloadType !== payload) {
    const allowed = `${payload.name}, as payload says; or set one of the two`;
    throw new InvalidOptionError('payloadType', payloadType, allowed);
  }
  return { payloadType: payload };
}

/** @param given the options as they stand in the decorator @throws InvalidListenerError, InvalidOptionError */
export function readingOf(
  name: string,
  given: MessageListenerOptions,
  { payloadType }: ListenerParams,
): PayloadReading {
  const { payload, messageConverter, topic } = given;
  if (messageConverter !== undefined) {
    inside(`@RocketMQMessageListener on ${name}`, undefined, () =>
      checkMethods('messageConverter', messageConverter, ['encode', 'decode']),
    );
  }
  const kind = typeof payload === 'string' ? payload : kindOf(payloadType);
  const isInstance = typeof payload === 'function' && kind === 'json';
  return {
    kind: PAYLOAD_KINDS.includes(kind) ? kind : 'json', // a wrong one is refused with the other options
    converter: messageConverter ?? (isTopic(topic) ? topic.converter : undefined),
    schema: isTopic(topic) ? topic.schema : undefined,
    toInstance: isInstance ? instanceMaker(name, payload as PayloadType) : undefined,
  };
}

function kindOf(payloadType: unknown): PayloadKind {
  if (payloadType === String) return 'string';
  return payloadType === Buffer || payloadType === Uint8Array ? 'buffer' : 'json';
}
