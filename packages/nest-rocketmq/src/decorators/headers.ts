// Reads the headers of a message, by their names in RocketMQ and in rocketmq-spring.
import { MessageProperty } from '@nest-rocketmq/remoting/internal';
import type { RocketMQContext } from './rocketmq-context.js';

/** rocketmq-spring's RocketMQHeaders.PREFIX. */
const PREFIX = 'rocketmq_';

type Read = (context: RocketMQContext) => string | number | undefined;

const property =
  (name: string): Read =>
  ({ properties }) =>
    properties.get(name);

/** The names of rocketmq-spring's RocketMQHeaders, without the prefix. Java has the numbers as such; headers here are texts. */
const SPRING: Readonly<Record<string, Read>> = {
  KEYS: property(MessageProperty.KEYS),
  TAGS: property(MessageProperty.TAGS),
  TOPIC: ({ topic }) => topic,
  MESSAGE_ID: ({ msgId }) => msgId,
  BORN_TIMESTAMP: ({ bornTimestamp }) => bornTimestamp,
  BORN_HOST: ({ message }) => hostAddress(message.bornHost.address),
  FLAG: ({ message }) => message.flag,
  QUEUE_ID: ({ queueId }) => queueId,
  SYS_FLAG: ({ message }) => message.sysFlag,
  TRANSACTION_ID: property(MessageProperty.TRANSACTION_ID),
  DELAY: property(MessageProperty.DELAY),
  WAIT: property(MessageProperty.WAIT),
};

/** The message's properties, and under rocketmq-spring's names what RocketMQ keeps outside of them. */
export function headersOf(context: RocketMQContext): Record<string, string> {
  const headers = Object.fromEntries(context.properties);
  for (const [name, read] of Object.entries(SPRING)) {
    const value = headers[PREFIX + name] ?? read(context);
    if (value !== undefined) headers[PREFIX + name] = String(value);
  }
  return headers;
}

/** One of them: a property, with rocketmq-spring's prefix or without it; undefined if there is none. */
export function headerOf(context: RocketMQContext, name: string): string | undefined {
  const own = context.properties.get(name);
  if (own !== undefined) return own;
  const bare = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  const read = Object.hasOwn(SPRING, bare) ? SPRING[bare] : undefined;
  const value = context.properties.get(bare) ?? read?.(context) ?? context.properties.get(PREFIX + bare);
  return value === undefined ? undefined : String(value);
}

/** As Java's `getHostAddress()`: an IPv6 address in full, without leading zeros. */
function hostAddress(address: Buffer): string {
  if (address.length === 4) return [...address].join('.');
  return Array.from({ length: address.length / 2 }, (_, at) => address.readUInt16BE(at * 2).toString(16)).join(':');
}
