// Owns the reading of broker.conf, Apache's file of options, into ours. Leaves their limits to options.ts.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { DEFAULT_LISTEN, isFlagOption, isNumberOption, isTextOption } from './options.js';
import type { BrokerOptions } from './options.js';

const FLUSH = new Map<string, 'async' | 'sync'>([
  ['ASYNC_FLUSH', 'async'],
  ['SYNC_FLUSH', 'sync'],
]);

/** Keys whose only value here is the one that Apache has by default: another one asks for what is not there. */
const FIXED: ReadonlyMap<string, readonly string[]> = new Map([
  ['brokerRole', ['ASYNC_MASTER', 'SYNC_MASTER']],
  ['aclEnable', ['false']],
  ['authenticationEnabled', ['false']],
  ['authorizationEnabled', ['false']],
]);

export interface BrokerConf {
  options: BrokerOptions;
  /** Keys that mean nothing here. */
  unknown: string[];
}

/** @throws InvalidOptionError for a value that its key cannot have */
export function readBrokerConf(text: string): BrokerConf {
  const options: Record<string, unknown> = {};
  const unknown: string[] = [];
  const [defaultHost, defaultPort] = DEFAULT_LISTEN.split(':');
  let host = defaultHost;
  let port: string | undefined;
  for (const [key, value] of parseProperties(text)) {
    if (key === 'listenPort') port = value;
    else if (key === 'bindAddress') host = value;
    else if (key === 'storePathRootDir') options['store'] = value;
    else if (key === 'flushDiskType') options['flush'] = flushOf(value);
    else if (FIXED.has(key)) refuseOther(key, value);
    else if (isNumberOption(key)) options[key] = numberOf(key, value);
    else if (isFlagOption(key)) options[key] = flagOf(key, value);
    else if (isTextOption(key)) options[key] = value;
    else unknown.push(key);
  }
  if (port !== undefined || host !== defaultHost) options['listen'] = `${host}:${port ?? defaultPort}`;
  return { options, unknown };
}

/** The lines of a Java properties file: `key=value`, `#` and `!` before a comment, a backslash before what is meant as it is. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split(/\r?\n/).map((one) => one.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    const [, key, value] = /^([^=:\s]+)\s*[=:\s]\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined) properties.set(key, value.replace(/\\(.)/g, '$1'));
  }
  return properties;
}

function flushOf(value: string): 'async' | 'sync' {
  const flush = FLUSH.get(value);
  if (!flush) throw new InvalidOptionError('flushDiskType', value, [...FLUSH.keys()].join(' or '));
  return flush;
}

function refuseOther(key: string, value: string): void {
  const allowed = FIXED.get(key) ?? [];
  if (!allowed.includes(value))
    throw new InvalidOptionError(key, value, `${allowed.join(' or ')}: this broker has nothing else`);
}

function numberOf(key: string, value: string): number {
  if (!/^-?\d{1,15}$/.test(value)) throw new InvalidOptionError(key, value, 'an integer');
  return Number(value);
}

function flagOf(key: string, value: string): boolean {
  if (value !== 'true' && value !== 'false') throw new InvalidOptionError(key, value, 'true or false');
  return value === 'true';
}
