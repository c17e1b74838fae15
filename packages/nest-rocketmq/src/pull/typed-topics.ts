// Finds the typed topic of a message that a consumer has pulled, and the filter for the typed topics that it shares.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { MessageProperty } from '@nest-rocketmq/remoting/internal';
import type { Subscription } from '@nest-rocketmq/client';
import type { AnyTopic } from '../message/topic.js';

/** The typed topics of a consumer. Several may be one topic with different tags. */
export class TypedTopics {
  readonly #byTopic = new Map<string, AnyTopic[]>();

  constructor(topics: readonly AnyTopic[] = []) {
    for (const topic of topics) this.add(topic);
  }

  add(typed: AnyTopic): void {
    const known = this.#byTopic.get(typed.topic) ?? [];
    this.#byTopic.set(typed.topic, [...known.filter(({ tag }) => tag !== typed.tag), typed]);
  }

  remove(topic: string): void {
    this.#byTopic.delete(topic);
  }

  /** The one with the message's tag, else the one without a tag. */
  of({ topic, properties }: MessageExt): AnyTopic | undefined {
    const candidates = this.#byTopic.get(topic);
    if (!candidates) return undefined;
    const tag = properties.get(MessageProperty.TAGS);
    return (
      candidates.find((each) => each.tag !== undefined && each.tag === tag) ??
      candidates.find((each) => each.tag === undefined)
    );
  }

  /** One for each topic: a topic has one filter. */
  subscriptions(): Subscription[] {
    return [...this.#byTopic].map(([topic, typed]) => ({ topic, expression: expressionOf(typed) }));
  }
}

function expressionOf(typed: readonly AnyTopic[]): string {
  const tags = typed.flatMap(({ tag }) => tag ?? []);
  return tags.length === typed.length ? tags.join(' || ') : '*';
}
