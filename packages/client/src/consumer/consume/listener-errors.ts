// Defines the error of a listener whose result cannot be read.
import { MQClientError } from '../../client-error.js';

/** A listener has returned something that does not fit its messages. All messages of the call count as failed. */
export class InvalidListenerResultError extends MQClientError<'INVALID_LISTENER_RESULT'> {
  constructor(given: string) {
    super('INVALID_LISTENER_RESULT', `the listener has returned ${given}. All messages of this call count as failed.`);
  }
}
