// Waits for deliveries while the clock turns by itself, and says what is pending where they do not come.
import { NotConsumedError, NothingPendingError } from '../testing-errors.js';
import type { Consumption } from '../listeners/container-settings.js';
import type { Duration } from '../message/delay.js';
import { checkDuration, checkInteger, checkKeys, inside } from '../option-checks.js';
import type { AppUnderTest } from './app-under-test.js';
import { inCluster } from './expectations.js';
import { describeMatch, matches } from './matching.js';
import { describeLength, describePending, pendingEvents } from './pending.js';
import { nameOf } from './recorded-deliveries.js';
import type { DeliveredMessage, DeliveryTarget } from './recorded-deliveries.js';
import type { SentMessage } from './recorded-messages.js';
import { MOST_TRIES, MOST_TURNS } from './time-skipper.js';
import type { WaitEnd } from './time-skipper.js';

/** Options of the waits of `RocketMQTesting`. */
export interface WaitForOptions {
  /** How many deliveries to wait for; the last of them is returned. Default 1. */
  readonly times?: number;
  /** Only those to this consumer group. */
  readonly group?: string;
  /** Only in this cluster: `name` of its forRoot; 'default' for the one without. Default: in all clusters of the app. */
  readonly cluster?: string;
  /** How far the clock may be turned: ms, or a length such as '1h'. Default: to the last thing that is due. */
  readonly within?: Duration;
  /** Real time for a listener that runs, and for what the clock does not know: ms, or a length such as '20s'. Default '4s'. */
  readonly timeout?: Duration;
}

const WAIT_FOR_OPTIONS = [
  'times',
  'group',
  'cluster',
  'within',
  'timeout',
] as const satisfies readonly (keyof WaitForOptions)[];
const MOST_DELIVERIES = 1_000_000;
const DEFAULT_TIMEOUT_MS = 4_000;
const LONGEST_TIMEOUT_MS = 3_600_000;
const LONGEST_MS = 10 * 365 * 86_400_000;
/** Most deliveries that an error lists. */
const MOST_LINES = 10;

interface Checked {
  readonly times: number;
  readonly group: string | undefined;
  readonly cluster: string | undefined;
  readonly timeout: number;
  /** ms of the clock */
  readonly within: number;
}

export class Deliveries {
  constructor(private readonly app: AppUnderTest) {}

  async expect<P>(
    outcome: Consumption['outcome'],
    target: DeliveryTarget,
    match: unknown,
    options: WaitForOptions = {},
  ): Promise<DeliveredMessage<P>> {
    const method = outcome === 'consumed' ? 'expectConsumed' : 'expectFailed';
    const given = this.#checked(method, options);
    const { times, group, cluster } = given;
    const { deliveries } = this.app.wired(method);
    const query = { target, match: match as never, outcome, group, cluster };
    const found = (): DeliveredMessage | undefined => deliveries.find(query)[times - 1];
    const what = `of ${nameOf(target)}${describeMatch(match)}${inCluster(cluster)}`;
    const wanted = times === 1 ? `no message ${what} was ${outcome}` : `not ${times} messages ${what} were ${outcome}`;
    await this.#wait(
      () => found() !== undefined,
      given,
      (report) => this.#missed(wanted, report),
    );
    return found() as DeliveredMessage<P>;
  }

  async expectDeadLetter<P>(group: string, match: unknown, options: WaitForOptions = {}): Promise<SentMessage<P>> {
    const given = this.#checked('expectDeadLetter', options);
    const { messages } = this.app.wired('expectDeadLetter');
    const found = (): SentMessage | undefined =>
      messages.deadLetters(group, given.cluster).filter((each) => matches(each, match as never))[given.times - 1];
    const wanted = `no message${describeMatch(match)} is a dead letter of group ${group}${inCluster(given.cluster)}`;
    await this.#wait(
      () => found() !== undefined,
      given,
      (report) => this.#missed(wanted, report),
    );
    return found() as SentMessage<P>;
  }

  async until<T>(promise: Promise<T>, options: WaitForOptions = {}): Promise<T> {
    const given = this.#checked('until', options);
    this.app.wired('until');
    let isSettled = false;
    const mark = (): void => void (isSettled = true);
    promise.then(mark, mark);
    const fail = (report: string): Error => new NothingPendingError(`the promise has not settled${report}`);
    await this.#wait(() => isSettled, given, fail, true);
    return promise;
  }

  async toEnd(options: WaitForOptions = {}): Promise<void> {
    const { clock } = this.app.wired('advanceToEnd');
    const fail = (report: string): Error => new NothingPendingError(`it does not come to an end${report}`);
    await this.#wait(() => clock.upcoming.length === 0, this.#checked('advanceToEnd', options), fail);
  }

  /** Turns the clock until the clients have found their broker again. */
  async toReconnect(options: WaitForOptions = {}): Promise<void> {
    const { clock } = this.app;
    const isConnected = (): boolean => !clock.upcoming.some(({ event }) => RECONNECTING.test(event));
    const fail = (report: string): Error => new NothingPendingError(`the app is not connected again${report}`);
    await this.#wait(isConnected, this.#checked('restartBroker', options), fail);
  }

  #wait(
    isDone: () => boolean,
    { within, timeout }: Checked,
    error: (report: string) => Error,
    isPatient = false,
  ): Promise<void> {
    const { clock, skipper } = this.app;
    const began = clock.now();
    const pending = this.#pending();
    const fail = (why: WaitEnd): Error => error(this.#report(why, began, pending));
    return skipper.wait({ isDone, fail, timeout, isPatient, until: began + within });
  }

  #checked(method: string, options: WaitForOptions): Checked {
    const given = checked(method, options);
    this.app.clusters(method, given.cluster);
    return given;
  }

  #missed(wanted: string, report: string): Error {
    const lines = this.app.deliveries.describe(MOST_LINES);
    const seen = lines.length > 0 ? `Listeners were given:\n  ${lines.join('\n  ')}` : 'No listener was called';
    return new NotConsumedError(`${wanted}${report}\n${seen}`, '');
  }

  /** What is pending, and when. */
  #pending(): string {
    const { clock, messages } = this.app;
    const lines = describePending(pendingEvents(clock, messages), clock.now());
    return lines.length === 0 ? 'nothing' : `\n  ${lines.join('\n  ')}`;
  }

  #report(why: WaitEnd, began: number, pendingThen: string): string {
    const turned = this.app.clock.now() - began;
    const end = ENDS[why];
    const pending = this.#pending();
    if (turned === 0) return `${end}. Pending: ${pending}`;
    return `${end}. Pending when the wait began: ${pendingThen}\nThe clock was turned by ${describeLength(turned)}. Still pending: ${pending}`;
  }
}

const ENDS: Readonly<Record<WaitEnd, string>> = {
  'nothing is due': '',
  'not within': ' within the time',
  'without end': `, while something was tried ${MOST_TRIES} times in vain`,
  'too many turns': `, after ${MOST_TURNS} turns of the clock`,
  timeout: ' in time',
};

const RECONNECTING = /^(the next pull of group|another try to reach|rebalance of)/;

function checked(method: string, options: WaitForOptions): Checked {
  return inside(`RocketMQTesting.${method}`, undefined, () => {
    checkKeys('options', options, WAIT_FOR_OPTIONS);
    const { times = 1, group, cluster, timeout = DEFAULT_TIMEOUT_MS, within } = options;
    return {
      within: within === undefined ? Infinity : checkDuration('within', within, 0, LONGEST_MS),
      times: checkInteger('times', times, 1, MOST_DELIVERIES),
      group,
      cluster,
      timeout: checkDuration('timeout', timeout, 0, LONGEST_TIMEOUT_MS),
    };
  });
}
