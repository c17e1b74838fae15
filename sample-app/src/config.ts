// Reads the app's settings from the environment, and checks them before anything starts.
import { InvalidOptionError } from 'nest-rocketmq';
import type { RocketMQModuleOptions } from 'nest-rocketmq';
import { StartError } from './start-error.js';

const DEFAULT_PORT = 3000;
const HIGHEST_PORT = 65_535;
const DEFAULT_CANCEL_AFTER = '30m';
/** 3 days: the longest delay of brokers, unless they and the module's `producer.maxDelay` are set otherwise. */
const LONGEST_CANCEL_AFTER_MS = 3 * 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DEFAULT_DATABASE_DIRECTORY = '.pgdata';

export class AppConfig {
  constructor(
    /** HTTP port; 0 takes a free one. */
    readonly port: number,
    /** How long an order may stay unpaid, at most 3 days: '7s', '30m', '36h'. */
    readonly orderCancelAfter: string,
    /** A PostgreSQL server, or undefined: PostgreSQL runs inside this process. */
    readonly databaseUrl: string | undefined,
    /** Where the embedded PostgreSQL keeps its files; 'memory://' keeps nothing. */
    readonly databaseDirectory: string,
    readonly rocketmq: RocketMQModuleOptions,
  ) {}

  /** @throws InvalidOptionError or StartError naming the variable that is wrong */
  static fromEnvironment(env: NodeJS.ProcessEnv = process.env): AppConfig {
    return new AppConfig(
      portOf(env.PORT),
      cancelAfterOf(env.ORDER_CANCEL_AFTER),
      databaseUrlOf(env.DATABASE_URL),
      env.DATABASE_DIR || DEFAULT_DATABASE_DIRECTORY,
      { group: 'shop' },
    );
  }
}

function portOf(given: string | undefined): number {
  if (!given) return DEFAULT_PORT;
  const port = Number(given);
  if (Number.isInteger(port) && port >= 0 && port <= HIGHEST_PORT) return port;
  throw new InvalidOptionError('PORT', given, `an integer from 0 to ${HIGHEST_PORT}`);
}

function cancelAfterOf(given: string | undefined): string {
  const length = given || DEFAULT_CANCEL_AFTER;
  // A variable is always text: digits alone are milliseconds, as a number is everywhere else.
  const delay = /^\d+$/.test(length) ? `${length}ms` : length;
  const [, count, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(delay) ?? [];
  // Refused here: a longer delay fails only when it is sent, and then no order is ever cancelled.
  if (Number(count) * UNIT_MS[unit!]! <= LONGEST_CANCEL_AFTER_MS) return delay;
  const allowed = "milliseconds, or a length such as '7s', '30m' or '36h', up to '3d'";
  throw new InvalidOptionError('ORDER_CANCEL_AFTER', given, allowed);
}

/** Refuses an empty value: who sets it wants a server, and would get a folder instead. */
function databaseUrlOf(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  if (URL.canParse(given) && /^postgres(ql)?:$/.test(new URL(given).protocol)) return given;
  // Not shown: it may hold a password.
  throw new StartError('DATABASE_URL', 'is no address such as postgres://user:password@host:5432/database');
}
