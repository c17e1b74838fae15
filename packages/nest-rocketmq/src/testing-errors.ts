// Declares the errors that the testing kit throws.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';

/** A test waited in vain for a delivery: `expectConsumed`, `expectFailed`, `expectDeadLetter`, `consumed` or `failed`. */
export class NotConsumedError extends RocketMQError<'NOT_CONSUMED'> {
  constructor(
    reason: string,
    remedy = 'Call consumed() or failed() before what causes the delivery, and advance the clock for delayed messages.',
  ) {
    super('NOT_CONSUMED', `${reason}. ${remedy}`);
  }
}

/** A test expected a message that the app has not sent, or another number of them: `expectSent`. */
export class NotSentError extends RocketMQError<'NOT_SENT'> {
  constructor(reason: string) {
    super('NOT_SENT', `${reason}. Await the send, or testing.settled(), before this.`);
  }
}

/** A test expected that nothing was sent: `expectNothingSent`. */
export class UnexpectedMessageError extends RocketMQError<'UNEXPECTED_MESSAGE'> {
  constructor(reason: string) {
    super('UNEXPECTED_MESSAGE', `${reason}. Call testing.reset() before what must send nothing.`);
  }
}

/** A test waits for something that no turn of the clock brings about: `until`, `advanceToEnd`. */
export class NothingPendingError extends RocketMQError<'NOTHING_PENDING'> {
  constructor(reason: string) {
    super('NOTHING_PENDING', `${reason}. Look for what should have caused it: a send, a retry, a timer of this clock.`);
  }
}

/** No app uses the broker and the clock of a `rocketMQTesting()`, or only some of the app's clusters do. */
export class TestingNotWiredError extends RocketMQError<'TESTING_NOT_WIRED'> {
  constructor(reason: string) {
    super('TESTING_NOT_WIRED', reason);
  }

  /** @param method that was called */
  static of(method: string): TestingNotWiredError {
    return new TestingNotWiredError(
      `testing.${method}: no app uses this testing. If your AppModule calls RocketMQModule.forRoot or forRootAsync itself, ` +
        `replace its options: Test.createTestingModule({ imports: [AppModule] })${overrideOf('default')}; ` +
        `else add testing.module to the imports. If the cluster has a name, ${overrideOf('billing')} does it. ` +
        'Then compile the module, and init the app, before you call this.',
    );
  }

  /** @param missing clusters of the app that the test does not replace */
  static ofClusters(missing: readonly string[]): TestingNotWiredError {
    const names = missing.map((name) => `'${name}'`).join(', ');
    return new TestingNotWiredError(
      `this testing replaces some clusters of the app, but not ${names}: the test would work with the real one. ` +
        `Replace its options too: Test.createTestingModule({ imports: [AppModule] })${missing.map(overrideOf).join('')}.`,
    );
  }

  /** @param cluster that was given the options of another one, `given` */
  static ofOther(cluster: string, given: string): TestingNotWiredError {
    return new TestingNotWiredError(
      `cluster '${cluster}' is given the testing options of cluster '${given}': each needs its own. ` +
        `Use ${overrideOf(cluster)}, or forRoot({ name: '${cluster}', ...${optionsOf(cluster)} }).`,
    );
  }
}

function overrideOf(cluster: string): string {
  const token = cluster === 'default' ? 'ROCKETMQ_OPTIONS' : `getRocketMQOptionsToken('${cluster}')`;
  return `.overrideProvider(${token}).useValue(${optionsOf(cluster)})`;
}

function optionsOf(cluster: string): string {
  return cluster === 'default' ? 'testing.options' : `testing.optionsOf('${cluster}')`;
}

/** The errors of the testing kit. */
export type TestingError =
  | NotConsumedError
  | NotSentError
  | UnexpectedMessageError
  | NothingPendingError
  | TestingNotWiredError;
