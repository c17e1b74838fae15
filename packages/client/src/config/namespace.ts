// Puts names of topics and groups into a namespace, and takes them out of it, as Java's NamespaceUtil does.
import {
  AUTO_CREATE_TOPIC_KEY,
  HALF_TOPIC,
  InvalidOptionError,
  NAMESPACE_SEPARATOR,
  OFFSET_MOVED_EVENT,
  OP_HALF_TOPIC,
  SCHEDULE_TOPIC,
  SELF_TEST_TOPIC,
  TRANS_CHECK_MAX_TIME_TOPIC,
  namePart,
  withoutNamespace,
} from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';

/** Java's system topics: they belong to no namespace. */
const SYSTEM_TOPICS = new Set([
  AUTO_CREATE_TOPIC_KEY,
  SCHEDULE_TOPIC,
  'BenchmarkTest',
  HALF_TOPIC,
  'RMQ_SYS_TRACE_TOPIC',
  OP_HALF_TOPIC,
  TRANS_CHECK_MAX_TIME_TOPIC,
  SELF_TEST_TOPIC,
  OFFSET_MOVED_EVENT,
]);
const SYSTEM_TOPIC_PREFIX = 'rmq_sys_';
const SYSTEM_GROUP_PREFIX = 'CID_RMQ_SYS_';
const NAMESPACE = /^[a-zA-Z0-9_-]{1,100}$/;

/** The names of one namespace. Without one, names stay as they are. */
export class Namespace {
  readonly #namespace: string | undefined;
  readonly #views = new WeakMap<MessageExt, MessageExt>();

  constructor(namespace: string | undefined) {
    this.#namespace = namespace;
  }

  /** The name as brokers know it: 'ns%order', '%RETRY%ns%group'. One that is in the namespace already stays. */
  wrap(name: string): string {
    const namespace = this.#namespace;
    if (namespace === undefined || typeof name !== 'string' || name === '' || isSystemName(name)) return name;
    const prefix = namespace + NAMESPACE_SEPARATOR;
    const { bare, put } = namePart(name);
    return bare.startsWith(prefix) ? name : put(prefix + bare);
  }

  /** The name as the application knows it. One of another namespace stays. */
  strip(name: string): string {
    const namespace = this.#namespace;
    return namespace === undefined || isSystemName(name) ? name : withoutNamespace(name, namespace);
  }

  wrapQueue(queue: MessageQueue): MessageQueue {
    return { ...queue, topic: this.wrap(queue.topic) };
  }

  stripQueue(queue: MessageQueue): MessageQueue {
    return { ...queue, topic: this.strip(queue.topic) };
  }

  /**
   * A copy: what a consumer does with its own later is to have the broker's name. It is the same one each time, with the fields
   * that the message has now, so that hooks recognise what a listener was given.
   */
  stripMessage(message: MessageExt): MessageExt {
    if (this.#namespace === undefined) return message;
    const view = Object.assign(this.#views.get(message) ?? {}, message, { topic: this.strip(message.topic) });
    this.#views.set(message, view);
    return view;
  }

  stripResult<R extends { readonly messageQueue: MessageQueue }>(result: R): R {
    return this.#namespace === undefined ? result : { ...result, messageQueue: this.stripQueue(result.messageQueue) };
  }
}

/** @throws InvalidOptionError for one that cannot be part of a name, or for both kinds at once */
export function checkNamespaces(options: { namespace?: string; namespaceV2?: string }): void {
  for (const option of ['namespace', 'namespaceV2'] as const) {
    const given = options[option];
    if (given !== undefined && (typeof given !== 'string' || !NAMESPACE.test(given))) {
      throw new InvalidOptionError(option, given, '1 to 100 letters, digits, _ and -');
    }
  }
  if (options.namespace !== undefined && options.namespaceV2 !== undefined) {
    throw new InvalidOptionError('namespaceV2', options.namespaceV2, 'only one of namespace and namespaceV2');
  }
}

function isSystemName(name: string): boolean {
  return SYSTEM_TOPICS.has(name) || name.startsWith(SYSTEM_TOPIC_PREFIX) || name.startsWith(SYSTEM_GROUP_PREFIX);
}
