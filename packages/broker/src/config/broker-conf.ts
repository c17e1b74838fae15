// Reads broker.conf, the file of options of Apache's broker.
import { InvalidOptionError, formatAddress } from '@nest-rocketmq/remoting/internal';
import type { BrokerOptions } from './broker-options.js';
import { DEFAULT_LISTEN } from './broker-rows.js';
import { checkAddress } from './option-checks.js';
import { integer } from './option-row.js';
import { optionEntries } from './option-rows.js';
import type { AnyOptionRow, OptionName } from './option-rows.js';

/** Keys whose only value here is the one that Apache has by default: another one asks for what is not there. */
const FIXED: ReadonlyMap<string, readonly string[]> = new Map([
  ['brokerRole', ['ASYNC_MASTER', 'SYNC_MASTER']],
  ['aclEnable', ['false']],
  ['authenticationEnabled', ['false']],
  ['authorizationEnabled', ['false']],
]);

/** Its range is checked with `listen`. */
const PORT = integer(0, [0, 65_535], undefined, 'listenPort');

export interface BrokerConf {
  options: BrokerOptions;
  /** Keys that this broker does not know. */
  unknown: string[];
}

/** @throws InvalidOptionError for a value that its key cannot have */
export function readBrokerConf(text: string): BrokerConf {
  const rows = rowsByKey();
  const options: Record<string, unknown> = {};
  const unknown: string[] = [];
  const listen: { host?: string; port?: number } = {};
  for (const [key, value] of parseProperties(text)) {
    const found = rows.get(key);
    if (key === 'listenPort') listen.port = PORT.parse(key, value);
    else if (key === 'bindAddress') listen.host = value;
    else if (FIXED.has(key)) refuseOther(key, value);
    else if (found) options[found.name] = valueOf(found.row, key, value);
    else unknown.push(key);
  }
  if (listen.port !== undefined || listen.host !== undefined) options['listen'] = listenOf(listen);
  return { options, unknown };
}

/** Apache's key of an option, and our name for it. */
function rowsByKey(): Map<string, { name: OptionName; row: AnyOptionRow }> {
  return new Map(
    optionEntries.flatMap(([name, row]) => {
      const keys = row.conf === undefined ? [name] : [name, row.conf];
      return keys.map((key): [string, { name: OptionName; row: AnyOptionRow }] => [key, { name, row }]);
    }),
  );
}

function valueOf(row: AnyOptionRow, key: string, value: string): unknown {
  if (key !== row.conf || !row.confWords) return row.parse(key, value);
  if (row.confWords.has(value)) return row.confWords.get(value);
  throw new InvalidOptionError(key, value, [...row.confWords.keys()].join(' or '));
}

function listenOf({ host, port }: { host?: string; port?: number }): string {
  const usual = checkAddress('listen', DEFAULT_LISTEN);
  return formatAddress(host ?? usual.host, port ?? usual.port);
}

/** The lines of a Java properties file: `key=value`, `#` and `!` before a comment, a backslash before what is meant as it is. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split(/\r?\n/).map((one) => one.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    const [, key, value = ''] = /^([^=:\s]+)\s*[=:\s]\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined) properties.set(key, value.replace(/\\(.)/g, '$1'));
  }
  return properties;
}

function refuseOther(key: string, value: string): void {
  const allowed = FIXED.get(key) ?? [];
  if (!allowed.includes(value))
    throw new InvalidOptionError(key, value, `${allowed.join(' or ')}: this broker supports nothing else`);
}
