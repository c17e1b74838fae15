// Checks the hooks of a producer or consumer, and calls them one after the other.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Logger } from '@nest-rocketmq/remoting/internal';
import { describe } from '../errors.js';

/** Most hooks of one producer or consumer. */
const MOST_HOOKS = 100;

/** @returns undefined where there is none, so that calls cost nothing @throws InvalidOptionError */
export function checkHooks<Hook extends { readonly hookName: string }>(
  given: readonly Hook[] | undefined,
): readonly Hook[] | undefined {
  if (given === undefined) return undefined;
  const isList = Array.isArray(given) && given.length <= MOST_HOOKS;
  if (!isList || !given.every((hook) => typeof hook?.hookName === 'string' && hook.hookName !== '')) {
    throw new InvalidOptionError('hooks', given, `a list of at most ${MOST_HOOKS} hooks, each with a hookName`);
  }
  return given.length === 0 ? undefined : [...given];
}

/** @returns those that are to be called now; undefined where there is none. One that fails to say so is called. */
export function enabled<Hook extends { readonly isEnabled?: () => boolean }>(
  hooks: readonly Hook[],
): readonly Hook[] | undefined {
  const list = hooks.filter((hook) => {
    try {
      return hook.isEnabled?.() ?? true;
    } catch {
      return true;
    }
  });
  return list.length === 0 ? undefined : list;
}

/** Calls each hook. One that throws is logged, and has no say: as in Java. */
export function callEach<Hook extends { readonly hookName: string }>(
  hooks: Iterable<Hook>,
  logger: Logger,
  call: (hook: Hook) => void,
): void {
  for (const hook of hooks) {
    try {
      call(hook);
    } catch (error) {
      logger.warn(`hook ${hook.hookName} failed: ${describe(error)}`);
    }
  }
}
