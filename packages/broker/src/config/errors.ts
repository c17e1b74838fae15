// Owns the errors with which a broker refuses to start.
import { RocketMQError } from '@nest-rocketmq/remoting';

/** An option has a value that it cannot have. */
export class InvalidOptionError extends RocketMQError {
  /**
   * @param option the option's name, as the user wrote it
   * @param given what was given
   * @param allowed what would have been right, in words
   */
  constructor(
    readonly option: string,
    readonly given: unknown,
    readonly allowed: string,
    options?: { cause?: unknown },
  ) {
    super('INVALID_OPTION', `${option}: ${show(given)} was given, allowed is ${allowed}`, options);
  }
}

function show(given: unknown): string {
  return typeof given === 'string' ? JSON.stringify(given) : String(given);
}
