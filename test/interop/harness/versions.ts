// Says which versions of Apache RocketMQ the tests know, what Maven Central lacks of them, and from which one on a broker has what.

import { isLong } from './long.js';

export type RocketMQVersion = `${number}.${number}.${number}`;

export const ROCKETMQ_5 = '5.5.0';
export const ROCKETMQ_4 = '4.9.7';

type Part = 'namesrv' | 'broker' | 'tools';

/** What Maven Central does not serve. */
const LACKING: Readonly<Record<RocketMQVersion, readonly Part[]>> = {
  '4.9.6': ['namesrv', 'broker', 'tools'],
  '4.9.8': ['namesrv', 'broker'],
  '5.3.0': ['namesrv', 'tools'],
  '5.3.1': ['namesrv'],
  '5.3.2': ['namesrv', 'tools'],
};

export const lacking = (version: RocketMQVersion): readonly Part[] => LACKING[version] ?? [];

/** The version of the name server that a broker of this one is run with. */
export const nameServerOf = (version: RocketMQVersion): RocketMQVersion =>
  lacking(version).includes('namesrv') ? '5.3.3' : version;

export function isBefore(version: RocketMQVersion, other: RocketMQVersion): boolean {
  return version.localeCompare(other, 'en', { numeric: true }) < 0;
}

/** From which version on Apache's broker has what, so far as it matters to our client. `versions/features.ts` asks brokers. */
export const SINCE = {
  'request and reply': '4.6.0',
  // Before, a request with an unknown code is never answered.
  'answers to unknown requests': '4.9.1',
  // Before, a broker makes topics of dead letters that nobody may read.
  'dead letters that can be read': '4.9.2',
  // Before, stored records count against maxMessageSize, and not the request.
  'full batches': '4.9.4',
  'delays of any length': '5.0.0',
  // Before, the answer may be offset 0, as if the group had stored it.
  'groups without offsets are told so': '5.0.0',
  'lite pull requests': '5.0.0',
  'topic attributes': '5.0.0',
  POP: '5.0.0',
  // Before, such a pop is never answered.
  'pops that are over when they come': '5.1.0',
  'acknowledgements in batches': '5.1.3',
  'topics with a retention of their own': '5.3.0',
  recall: '5.3.2',
  'notifications by tag': '5.5.0',
} as const satisfies Record<string, RocketMQVersion>;

export type Feature = keyof typeof SINCE;

/** What our client does not use. */
export const POP_FEATURES: readonly Feature[] = [
  'POP',
  'pops that are over when they come',
  'acknowledgements in batches',
  'notifications by tag',
];

export const has = (version: RocketMQVersion, feature: Feature): boolean => !isBefore(version, SINCE[feature]);

/** The first on that all of our client works with, and of each minor version of 5 what Maven Central serves a broker of. */
export const ALL: readonly RocketMQVersion[] = [
  '4.9.2',
  '4.9.7',
  '5.0.0',
  '5.1.4',
  '5.2.0',
  '5.3.1',
  '5.3.3',
  '5.4.0',
  '5.5.0',
];

/** What `versions` runs on: those of APACHE_VERSIONS='4.9.0 5.1.4', else all in a long run, else none. */
export function versionsToTest(all: readonly RocketMQVersion[] = ALL): readonly RocketMQVersion[] {
  const chosen = process.env['APACHE_VERSIONS'];
  if (chosen !== undefined) return chosen.split(/[\s,]+/).filter((each) => each !== '') as RocketMQVersion[];
  return isLong ? all : [];
}
