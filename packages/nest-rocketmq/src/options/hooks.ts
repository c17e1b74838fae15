// Defines the hooks of an app, which run around its sends and its listeners.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { ConsumerHook, ProducerHook } from '@nest-rocketmq/client';

/** Code that runs around the app's sends, or its listeners and polls, or both. All but the name is optional. */
export type RocketMQHook = ProducerHook & ConsumerHook;

/** @returns undefined without any @throws InvalidOptionError */
export function checkHooks(given: readonly RocketMQHook[] | undefined): readonly RocketMQHook[] | undefined {
  if (given === undefined) return undefined;
  if (!Array.isArray(given) || !given.every((hook) => typeof (hook as RocketMQHook | null)?.hookName === 'string')) {
    throw new InvalidOptionError('hooks', given, 'a list of hooks, each with a hookName');
  }
  return given.length === 0 ? undefined : given;
}
