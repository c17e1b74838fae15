// Checks options of the broker that are texts: names, addresses, hours.
import { InvalidOptionError, formatAddress, parseAddress, printable } from '@nest-rocketmq/remoting/internal';
import type { HostAndPort } from '@nest-rocketmq/remoting/internal';

const NAME_MAX_LENGTH = 100;
const EXAMPLE_ADDRESS = '127.0.0.1:10911';

/** @throws InvalidOptionError */
export function checkText(option: string, given: unknown): string {
  if (typeof given !== 'string' || given === '' || given.includes('\0')) {
    throw new InvalidOptionError(option, given, 'a non-empty string');
  }
  return given;
}

export const NAME_RANGE = `1 to ${NAME_MAX_LENGTH} letters, digits, "-" and "_"`;

/** @throws InvalidOptionError */
export function checkName(option: string, given: unknown): string {
  if (typeof given !== 'string' || !/^[\w-]+$/.test(given) || given.length > NAME_MAX_LENGTH) {
    throw new InvalidOptionError(option, given, NAME_RANGE);
  }
  return given;
}

export const HOURS_RANGE = 'hours from 0 to 23, ";" between several';

/** @throws InvalidOptionError */
export function checkHours(option: string, given: unknown): string {
  const list = checkText(option, given);
  if (!/^([01]?\d|2[0-3])(;([01]?\d|2[0-3]))*$/.test(list)) {
    throw new InvalidOptionError(option, printable(list), HOURS_RANGE);
  }
  return list;
}

/** `host:port`. @throws InvalidOptionError */
export function checkAddress(option: string, given: unknown): HostAndPort {
  const address = checkText(option, given);
  try {
    return parseAddress(address, option);
  } catch (cause) {
    const allowed = `host:port, such as ${EXAMPLE_ADDRESS}, the port 0 to 65535`;
    throw new InvalidOptionError(option, printable(address), allowed, undefined, { cause });
  }
}

/** `host:port`, or nowhere. @throws InvalidOptionError */
export function checkListen(option: string, given: unknown): HostAndPort | undefined {
  return given === false || given === undefined ? undefined : checkAddress(option, given);
}

/** Several of `host:port`, `;` or `,` between them. @throws InvalidOptionError */
export function checkAddressList(option: string, given: unknown): string[] {
  if (given === undefined || given === '') return [];
  const addresses = checkText(option, given)
    .split(/[;,]/)
    .map((one) => one.trim());
  return addresses
    .filter((one) => one !== '')
    .map((one) => checkAddress(option, one))
    .map(({ host, port }) => formatAddress(host, port));
}
