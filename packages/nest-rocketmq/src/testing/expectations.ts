// Checks what was sent in a test.
import { isTopic } from '../message/topic.js';
import type { AnyTopic } from '../message/topic.js';
import { NotSentError, UnexpectedMessageError } from '../testing-errors.js';
import { ofCluster } from './cluster-clock.js';
import { brief, describeMatch, matches } from './matching.js';
import type { MessageMatch } from './matching.js';
import type { ChosenTopic, RecordedMessages, SentMessage } from './recorded-messages.js';

/** Where to look for messages. */
export interface ClusterChoice {
  /** `name` of the cluster's forRoot; 'default' for the one without. Default: all clusters of the app. */
  readonly cluster?: string | undefined;
}

/** Options of `expectSent`. */
export interface SentOptions extends ClusterChoice {
  /** How many there have to be, no more and no less. Default: one or more. */
  readonly times?: number;
}

/** A destination ('topic', 'topic:tag' or { topic, tag }), or something that has a topic, but no typed topic. */
export type UntypedChoice =
  | string
  | { readonly topic: string; readonly tag?: string | undefined; readonly converter?: never };

/** A destination ('topic', 'topic:tag', { topic, tag } or a typed topic), or something that has a topic. */
export type TopicChoice = UntypedChoice | AnyTopic;

/** Most messages that an error lists. */
const MOST_LINES = 10;

export function chosenTopic(choice: TopicChoice): ChosenTopic {
  if (typeof choice === 'string') {
    const colon = choice.indexOf(':');
    return colon < 0 ? { topic: choice } : { topic: choice.slice(0, colon), tag: choice.slice(colon + 1) };
  }
  const { topic } = choice;
  const tag = 'tag' in choice ? choice.tag : undefined;
  return { topic, tag, converter: isTopic(choice) ? choice.converter : undefined };
}

const nameOf = ({ topic, tag }: ChosenTopic): string => (tag === undefined ? topic : `${topic}:${tag}`);

/** @throws NotSentError */
export function expectSent(
  messages: RecordedMessages,
  topic: TopicChoice,
  match: MessageMatch<never, SentMessage> | undefined,
  { times, cluster }: SentOptions = {},
): SentMessage | undefined {
  const chosen = chosenTopic(topic);
  const found = messages.sent(chosen, cluster).filter((each) => matches(each, match as never));
  if (times === undefined ? found.length > 0 : found.length === times) return found.at(-1);
  const wanted = `${times ?? 'no'} message${times === undefined || times === 1 ? '' : 's'} to ${nameOf(chosen)}${describeMatch(match)}${inCluster(cluster)}`;
  throw new NotSentError(
    times === undefined
      ? `${wanted} was sent; ${seen(messages)}`
      : `not ${wanted} but ${found.length}; ${seen(messages)}`,
  );
}

/** @throws UnexpectedMessageError */
export function expectNothingSent(
  messages: RecordedMessages,
  topic: TopicChoice | undefined,
  { cluster }: ClusterChoice = {},
): void {
  const chosen = topic === undefined ? undefined : chosenTopic(topic);
  const sent = messages.sent(chosen, cluster);
  if (sent.length === 0) return;
  const where = `${chosen === undefined ? '' : ` to ${nameOf(chosen)}`}${inCluster(cluster)}`;
  throw new UnexpectedMessageError(`${sent.length} message(s) were sent${where}:${list(sent)}`);
}

/** For an error. */
export function inCluster(cluster: string | undefined): string {
  return cluster === undefined ? '' : ` in cluster ${cluster}`;
}

/** What was sent, for an error. */
export function seen(messages: RecordedMessages): string {
  const sent = messages.sent();
  return sent.length === 0 ? 'nothing was sent' : `sent:${list(sent)}`;
}

function list(sent: readonly SentMessage[]): string {
  const lines = sent.slice(-MOST_LINES).map(({ topic, cluster, tags, keys, payload }) => {
    const key = keys.length > 0 ? ` [${keys.join(' ')}]` : '';
    return `\n  ${topic}${tags === undefined ? '' : `:${tags}`}${key} ${brief(payload)}${ofCluster(cluster)}`;
  });
  const more = sent.length - lines.length;
  return `${more > 0 ? `\n  ${more} earlier ones` : ''}${lines.join('')}\n`;
}
