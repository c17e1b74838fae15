// Merges the listeners of each consumer group into the subscriptions of its one consumer, and refuses contradictions.
// Two consumers of one group with different subscriptions would silently lose messages.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { ConsumeMode, Subscription } from '@nest-rocketmq/client';
import { CONSUMER_SETTINGS, checkConsumerSettings } from '../options/consumer-settings.js';
import type { CheckedBatch } from '../options/batch-options.js';
import type { CheckedConsumerSettings } from '../options/consumer-settings.js';
import type { CheckedRetry } from '../options/retry-options.js';
import { checkGroup, checkTag, checkTopic } from '../message/destination.js';
import { GroupMissingError, InvalidListenerError, ListenerConflictError } from '../errors.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import type { ListenerOptions } from '../discovery/listener-options.js';
import { PAYLOAD_KINDS } from '../message/message-converter.js';
import { checkReplyTimeout } from '../options/reply-timeout.js';
import { checkBoolean, checkClass, checkKeys, checkOneOf, inside } from '../option-checks.js';

/** What a listener has for itself, though it is checked with what the consumer has. */
const OWN = new Set<string>(['retry', 'batch']);
const SETTINGS = ['messageModel', 'batch', ...CONSUMER_SETTINGS] as const;
const SHARED = SETTINGS.filter((option): option is Exclude<typeof option, 'retry' | 'batch'> => !OWN.has(option));
const OPTIONS = [
  'topic',
  'consumerGroup',
  'cluster',
  'tags',
  'selectorExpression',
  'selectorType',
  'payload',
  'payloadType',
  'messageConverter',
  'reply',
  'replyTimeout',
  ...SETTINGS,
];

const ALL_TAGS = '*';

/** A listener with checked options. `tags` is undefined if it takes every message of the topic. */
interface Route {
  readonly listener: DiscoveredListener;
  readonly tags: readonly string[] | undefined;
  readonly sql: string | undefined;
}

export class ListenerGroup {
  readonly shared: CheckedConsumerSettings = {};
  readonly #sharedBy = new Map<string, string>();
  readonly #topics = new Map<string, Route[]>();
  readonly #retries = new Map<DiscoveredListener, CheckedRetry>();

  constructor(readonly group: string) {}

  get subscriptions(): Subscription[] {
    return [...this.#topics].map(([topic, routes]) => {
      const sql = routes[0]?.sql;
      if (sql !== undefined) return { topic, expression: sql, expressionType: 'SQL92' };
      return { topic, expression: routes.flatMap((route) => route.tags ?? [ALL_TAGS]).join(' || ') };
    });
  }

  get listeners(): string[] {
    return [...this.#topics.values()].flatMap((routes) => routes.map((route) => route.listener.name));
  }

  /** Its listeners. */
  get discovered(): readonly DiscoveredListener[] {
    return this.#all();
  }

  /** The batch of all its listeners; undefined: each has one message at a time. */
  get batch(): CheckedBatch | undefined {
    return this.shared.batch;
  }

  /** The listener's own retry options. */
  retryOf(listener: DiscoveredListener): CheckedRetry | undefined {
    return this.#retries.get(listener);
  }

  /** Whether both have the same listeners, and so would have the same consumer. */
  equals(other: ListenerGroup): boolean {
    const mine = this.#all();
    const others = other.#all();
    return this.group === other.group && mine.length === others.length && mine.every((each, at) => each === others[at]);
  }

  /** @throws ListenerConflictError if it cannot share the consumer with those added before */
  add(listener: DiscoveredListener): void {
    const route = routeOf(listener);
    const routes = this.#topics.get(listener.options.topic) ?? [];
    for (const other of routes) this.#refuseOverlap(route, other);
    const first = this.#all()[0];
    const settings = checked(listener, () => checkConsumerSettings(listener.options));
    this.#shareBatch(listener, settings.batch, first);
    if (settings.retry) this.#retries.set(listener, settings.retry);
    this.#shareOptions(listener, settings);
    this.#topics.set(listener.options.topic, [...routes, route]);
  }

  /** The listener for a message. There is at most one: `add` refuses overlaps. */
  find(topic: string, tag: string | undefined): DiscoveredListener | undefined {
    const routes = this.#topics.get(topic) ?? [];
    return routes.find(({ tags }) => tags === undefined || (tag !== undefined && tags.includes(tag)))?.listener;
  }

  /**
   * @param modeByDefault the module's consumeMode
   * @throws InvalidListenerError for an order among broadcasts: nobody holds a queue alone, so there is none to keep
   */
  refuseOrderedBroadcast(modeByDefault: ConsumeMode | undefined): void {
    const { messageModel, consumeMode = modeByDefault } = this.shared;
    if (messageModel !== 'BROADCASTING' || consumeMode === undefined || consumeMode === 'CONCURRENTLY') return;
    const listener = this.#sharedBy.get('messageModel') ?? `group ${this.group}`;
    const origin = this.shared.consumeMode === undefined ? ` (the module's default)` : '';
    throw new InvalidListenerError(
      listener,
      `consumeMode ${consumeMode}${origin} with messageModel BROADCASTING: no consumer has a queue to itself then. Set ` +
        `messageModel: 'CLUSTERING' or consumeMode: 'CONCURRENTLY'.`,
    );
  }

  /**
   * With a store that they share, one instance of the app would take the broadcast, and the others count it as a duplicate.
   * @throws InvalidListenerError
   */
  refuseIdempotentBroadcast(): void {
    if (this.shared.messageModel !== 'BROADCASTING') return;
    const listener = this.#all().find(({ isIdempotent }) => isIdempotent);
    if (!listener) return;
    const reason = `@Idempotent with messageModel BROADCASTING: each instance of the app must work on a broadcast. Remove one.`;
    throw new InvalidListenerError(listener.name, reason);
  }

  #all(): DiscoveredListener[] {
    return [...this.#topics.values()].flat().map(({ listener }) => listener);
  }

  #refuseOverlap(route: Route, other: Route): void {
    const common = route.tags && other.tags ? route.tags.filter((tag) => other.tags?.includes(tag)) : [ALL_TAGS];
    if (common.length === 0) return;
    const first = other.listener.name;
    const second = route.listener.name;
    const remedy =
      withoutModule(first) === withoutModule(second)
        ? `Two modules provide the class: provide it in one, and export it from there.`
        : `Give them different tags, or one of them a consumerGroup of its own.`;
    const what = common[0] === ALL_TAGS ? 'messages' : `messages with tag '${common[0]}'`;
    throw new ListenerConflictError(
      this.group,
      first,
      second,
      `both take ${what} of topic '${route.listener.options.topic}', but a group gets each message only once. ${remedy}`,
    );
  }

  /** One consumer makes the lists: all its listeners take such lists, or none. */
  #shareBatch(
    listener: DiscoveredListener,
    batch: CheckedBatch | undefined,
    first: DiscoveredListener | undefined,
  ): void {
    const earlier = this.shared.batch;
    if (first && (earlier?.size !== batch?.size || earlier?.wait !== batch?.wait)) {
      const reason =
        `share one consumer but ask for batch ${JSON.stringify(earlier)} and ${JSON.stringify(batch)}. Set the same on ` +
        'both, or give them different groups.';
      throw new ListenerConflictError(this.group, first.name, listener.name, reason);
    }
    if (batch) this.shared.batch = batch;
  }

  #shareOptions(listener: DiscoveredListener, settings: CheckedConsumerSettings): void {
    for (const option of SHARED) {
      const value = settings[option];
      if (value === undefined) continue;
      const earlier = this.shared[option];
      if (earlier !== undefined && earlier !== value) {
        const first = this.#sharedBy.get(option) ?? '';
        const reason = `share one consumer but ask for ${option} ${shown(earlier)} and ${shown(value)}. Set it on one of them, or give them different groups.`;
        throw new ListenerConflictError(this.group, first, listener.name, reason);
      }
      Object.assign(this.shared, { [option]: value });
      this.#sharedBy.set(option, listener.name);
    }
  }
}

/**
 * @param defaultGroup of listeners that name none
 * @param groupNeededOn the cluster on which each listener must name one
 * @param modeByDefault the module's consumeMode
 * @throws GroupMissingError, ListenerConflictError, InvalidListenerError or InvalidOptionError
 */
export function groupListeners(
  listeners: readonly DiscoveredListener[],
  defaultGroup: string,
  groupNeededOn?: string,
  modeByDefault?: ConsumeMode,
): ListenerGroup[] {
  const groups = new Map<string, ListenerGroup>();
  for (const listener of listeners) {
    const { consumerGroup } = checked(listener, () => checkListener(listener.options));
    if (consumerGroup === undefined && groupNeededOn !== undefined) {
      const remedy = ', or give this listener a consumerGroup';
      throw new GroupMissingError(listener.name, groupNeededOn, defaultGroup, remedy);
    }
    const name = consumerGroup ?? defaultGroup;
    const group = groups.get(name) ?? new ListenerGroup(name);
    group.add(listener);
    groups.set(name, group);
  }
  for (const group of groups.values()) {
    group.refuseOrderedBroadcast(modeByDefault);
    group.refuseIdempotentBroadcast();
  }
  return [...groups.values()];
}

function checkListener(options: ListenerOptions): ListenerOptions {
  checkKeys('options', options, OPTIONS);
  checkTopic('topic', options.topic);
  if (options.consumerGroup !== undefined) checkGroup('consumerGroup', options.consumerGroup);
  if (options.payload !== undefined) checkOneOf('payload', options.payload, PAYLOAD_KINDS);
  if (options.payloadType !== undefined) checkClass('payloadType', options.payloadType);
  if (options.reply !== undefined) checkBoolean('reply', options.reply);
  if (options.replyTimeout !== undefined) checkReplyTimeout(options.replyTimeout);
  if (options.selectorType !== undefined) checkOneOf('selectorType', options.selectorType, ['TAG', 'SQL92']);
  return options;
}

function routeOf(listener: DiscoveredListener): Route {
  const { selectorType, selectorExpression, tags } = listener.options;
  if (tags !== undefined && selectorExpression !== undefined) {
    throw new InvalidListenerError(listener.name, 'set tags or selectorExpression, not both.');
  }
  if (selectorType === 'SQL92') return { listener, tags: undefined, sql: conditionOf(listener) };
  const wanted = checked(listener, () => tagsOf(listener.options));
  return { listener, tags: wanted, sql: undefined };
}

/** A strategy by its name. */
function shown(value: string | number | boolean | { name: string }): string {
  return typeof value === 'object' ? value.name : String(value);
}

/** 'A.onMessage (OrdersModule)' */
function withoutModule(name: string): string {
  return name.replace(/ \(.*\)$/, '');
}

function conditionOf({ name, options: { tags, selectorExpression } }: DiscoveredListener): string {
  if (typeof selectorExpression === 'string' && selectorExpression.trim() !== '') return selectorExpression;
  const instead = tags === undefined ? '' : ' Tags are not a condition.';
  throw new InvalidListenerError(name, `selectorType 'SQL92' needs a selectorExpression.${instead}`);
}

/** The tags that the options name; undefined for all messages of the topic. */
function tagsOf({ tags, selectorExpression }: ListenerOptions): string[] | undefined {
  if (tags !== undefined) return checkTags('tags', tags, Array.isArray(tags) ? tags : splitTags(tags));
  if (selectorExpression === undefined) return undefined;
  return checkTags('selectorExpression', selectorExpression, splitTags(selectorExpression));
}

function checkTags(option: string, given: unknown, tags: readonly unknown[]): string[] | undefined {
  if (tags.length === 0) {
    const allowed = `'paid', or several as 'paid || refunded'; leave it out for all messages`;
    throw new InvalidOptionError(option, given, allowed);
  }
  if (tags.includes(ALL_TAGS)) return undefined;
  return [...new Set(tags.map((tag) => checkTag(option, tag)))];
}

/** The tags of 'TagA || TagB'; none for anything but a string. */
function splitTags(expression: unknown): string[] {
  if (typeof expression !== 'string') return [];
  return expression
    .split('||')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}

/** Adds the listener's name to the errors of `check`. */
function checked<T>(listener: DiscoveredListener, check: () => T): T {
  return inside(`@RocketMQMessageListener on ${listener.name}`, undefined, check);
}
