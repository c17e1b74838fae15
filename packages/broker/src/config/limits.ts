// Refuses requests that exceed a limit, and names the limit and its value.
import { RequestRefusedError, ResponseCode, printable } from '@nest-rocketmq/remoting/internal';

/** A request goes beyond an option of the broker that limits it. */
export class LimitExceededError extends RequestRefusedError {
  /**
   * @param what that there is too much of, in the plural
   * @param option the name of the limit
   */
  constructor(
    what: string,
    readonly option: string,
    readonly limit: number,
  ) {
    super(
      ResponseCode.INVALID_PARAMETER,
      `more ${what} than the broker allows: ${option}=${limit}. Use fewer, or raise it`,
    );
  }
}

/** @throws LimitExceededError */
export function requireAtMost(count: number, limit: number, option: string, what: string): void {
  if (!(count <= limit)) throw new LimitExceededError(what, option, limit);
}

/** What is wrong with a number that came in a request's body. @param name as in the body */
export function integerFault(name: string, given: unknown, min: number, max: number): string | undefined {
  if (Number.isInteger(given) && (given as number) >= min && (given as number) <= max) return undefined;
  return `${name} ${printable(String(given))} is illegal, allowed is an integer from ${min} to ${max}`;
}

/** What is wrong with the expression of a subscription. */
export function filterFault(expression: string | undefined, maxFilterLength: number): string | undefined {
  if (expression === undefined || expression.length <= maxFilterLength) return undefined;
  return `the expression has ${expression.length} characters, more than maxFilterLength=${maxFilterLength}`;
}

/** What a client may call itself, or name in passing. */
const LONGEST_NAME = 255;

/** @throws RequestRefusedError where a name is too long to be kept. @param what the name is of */
export function requireShort(name: string, what: string): void {
  if (name.length <= LONGEST_NAME) return;
  const message = `${what} is longer than ${LONGEST_NAME} characters: ${printable(name)}`;
  throw new RequestRefusedError(ResponseCode.INVALID_PARAMETER, message);
}
