// Chooses where an app's messages are kept: a broker in this process, a cluster, or a backend of the app's own.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { RocketMQBackend } from '../backends/backend.js';
import { DEFAULT_STORE, MOST_DELAY_SECONDS } from '../backends/embedded-options.js';
import type { EmbeddedOptions } from '../backends/embedded-options.js';
import { milliseconds } from '../message/delay.js';
import { checkAddresses, checkMethods, inside } from '../option-checks.js';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';
import type { ProducerSettings } from './producer-settings.js';

/** The environment variable that names the unnamed cluster if none of `nameServer`, `embedded` and `backend` is set. */
export const NAME_SERVER_ENV = 'ROCKETMQ_NAME_SERVER';

export type BackendChoice =
  /** `doubt`: why this may be a mistake. */
  | { kind: 'embedded'; embedded: EmbeddedOptions; doubt?: string }
  | { kind: 'cluster'; nameServer: string }
  | { kind: 'custom'; backend: RocketMQBackend };

/** The module's options that decide. */
export interface BackendOptions {
  nameServer?: string;
  embedded?: EmbeddedOptions;
  backend?: RocketMQBackend;
  messageDelayLevel?: string;
  producer?: ProducerSettings;
}

type Environment = Readonly<Record<string, string | undefined>>;

const BACKENDS = ['nameServer', 'embedded', 'backend'] as const;

/** @param cluster its name @throws InvalidOptionError */
export function chooseBackend(given: BackendOptions, env: Environment, cluster: string): BackendChoice {
  const [chosen, second] = BACKENDS.filter((option) => given[option] !== undefined);
  if (second !== undefined) {
    throw new InvalidOptionError(
      second,
      given[second],
      `only one of nameServer, embedded and backend; ${chosen} is set too`,
    );
  }
  if (given.backend !== undefined) {
    checkMethods('backend', given.backend, ['start', 'stop', 'dial']);
    return { kind: 'custom', backend: given.backend };
  }
  if (given.nameServer !== undefined) {
    return { kind: 'cluster', nameServer: checkAddresses('nameServer', given.nameServer) };
  }
  if (given.embedded !== undefined) return { kind: 'embedded', embedded: embeddedOf(given.embedded, given, cluster) };
  if (cluster !== DEFAULT_CLUSTER) {
    const allowed = `set: cluster '${cluster}' needs nameServer, embedded or backend. ${NAME_SERVER_ENV} is for the unnamed cluster`;
    throw new InvalidOptionError('nameServer', given.nameServer, allowed);
  }
  const fromEnv = env[NAME_SERVER_ENV];
  if (fromEnv !== undefined) {
    const nameServer = inside('the environment', undefined, () => checkAddresses(NAME_SERVER_ENV, fromEnv));
    return { kind: 'cluster', nameServer };
  }
  return { kind: 'embedded', embedded: delaysOf(given), doubt: doubtOf(given, env) };
}

/** Each broker of this process has a store of its own. */
function embeddedOf(embedded: EmbeddedOptions, given: BackendOptions, cluster: string): EmbeddedOptions {
  const store = cluster === DEFAULT_CLUSTER ? undefined : `${DEFAULT_STORE}-${cluster}`;
  return { ...(store !== undefined && { store }), ...embedded, ...delaysOf(given) };
}

/** A broker in this process gets the same delays that the template uses. @throws InvalidOptionError */
function delaysOf({ messageDelayLevel, producer, embedded }: BackendOptions): EmbeddedOptions {
  const maxDelay = milliseconds(producer?.maxDelay);
  const isOwn = maxDelay !== undefined && embedded?.timerMaxDelaySec === undefined;
  if (isOwn && maxDelay > MOST_DELAY_SECONDS * 1_000) {
    throw new InvalidOptionError('producer.maxDelay', producer?.maxDelay, "at most '13d' with the embedded broker");
  }
  return {
    ...(messageDelayLevel !== undefined && { messageDelayLevel }),
    ...(isOwn && { timerMaxDelaySec: `${Math.ceil(maxDelay / 1_000)}s` }),
  };
}

/** Why the default, a broker in this process, may be a mistake. */
function doubtOf(given: BackendOptions, env: Environment): string | undefined {
  const empty = BACKENDS.find((option) => Object.hasOwn(given, option));
  if (empty !== undefined) return `option ${empty} is undefined, and ${NAME_SERVER_ENV} is not set`;
  if (env['NODE_ENV'] !== 'production') return undefined;
  return `NODE_ENV is production, and neither ${BACKENDS.join(' nor ')} nor ${NAME_SERVER_ENV} is set`;
}
