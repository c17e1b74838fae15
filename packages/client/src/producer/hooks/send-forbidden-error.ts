// Defines the error of a send that a hook has forbidden.
import { MQClientError } from '../../client-error.js';
import { describe } from '../../errors.js';

/** A hook has forbidden a send: nothing was sent. `cause` is what the hook has thrown. */
export class SendForbiddenError extends MQClientError<'SEND_FORBIDDEN'> {
  constructor(
    readonly topic: string,
    readonly hookName: string,
    options: { cause: unknown },
  ) {
    super(
      'SEND_FORBIDDEN',
      `a send to ${topic} was forbidden by hook ${hookName}: ${describe(options.cause)} Send what the hook allows, or remove ` +
        "it from the option 'hooks'.",
      options,
    );
  }
}
