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

/** No app uses the broker and the clock of a `rocketMQTesting()`. */
export class TestingNotWiredError extends RocketMQError<'TESTING_NOT_WIRED'> {
  constructor(method: string) {
    super(
      'TESTING_NOT_WIRED',
      `testing.${method}: no app uses this testing. If your AppModule calls RocketMQModule.forRoot or forRootAsync itself, ` +
        'replace its options: Test.createTestingModule({ imports: [AppModule] })' +
        '.overrideProvider(ROCKETMQ_OPTIONS).useValue(testing.options); else add testing.module to the imports. ' +
        'Then compile the module, and init the app, before you call this.',
    );
  }
}

/** The errors of the testing kit. */
export type TestingError =
  | NotConsumedError
  | NotSentError
  | UnexpectedMessageError
  | NothingPendingError
  | TestingNotWiredError;
