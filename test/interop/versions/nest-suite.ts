// Runs the Nest end-to-end suite of `npm test` in a process of its own, on a running cluster.
import { expect } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../harness/children.js';
import type { Cluster } from '../harness/cluster.js';
import { repositoryRoot } from '../harness/paths.js';
import { temporaryFolder } from '../harness/temporary.js';
import { type Feature, type RocketMQVersion, has, ROCKETMQ_5 } from '../harness/versions.js';

const JEST = join(repositoryRoot, 'node_modules/jest/bin/jest.js');

/** The tests of what older brokers do not know. */
const NEEDING: Readonly<Partial<Record<Feature, readonly string[]>>> = {
  'dead letters that can be read': [
    'dead letter',
    'listed page by page',
    'replay',
    'ValidationPipe',
    'a schema of',
    'a pipe',
  ],
  'delays of any length': [
    'after a length that is no level',
    'after one in words',
    'a message is delivered at a time',
    'late as well when it is sent one-way, and when it goes to a queue by its sharding key',
    'retryLater: its message comes again after that time',
    'backoff is a function of the attempt',
  ],
  'topic attributes': ['declared topics are created', 'declared topics of a module that is loaded later'],
  'groups without offsets are told so': ['a new group begins at consumeTimestamp'],
  'topics with a retention of their own': ['declared topics are created'],
  recall: [
    'is taken back by its handle, and nobody gets it',
    'is not taken back when it is due, by the handle of another topic, or by none',
    'T044 T163 sends, transactions, recalls and deliveries',
  ],
};

/** A pattern of the names of all others. */
function namesFor(version: RocketMQVersion): string {
  const needing = Object.entries(NEEDING) as [Feature, readonly string[]][];
  const without = needing.flatMap(([feature, names]) => (has(version, feature) ? [] : names));
  return without.length === 0 ? '' : `^(?!.*(${without.join('|')}))`;
}

interface JestReport {
  numPassedTests: number;
  testResults: { assertionResults: { fullName: string; status: string; failureMessages: string[] }[] }[];
}

/** @returns how many tests have passed; all must but those of features that the version does not have. */
export async function passNestSuite(
  { nameServer }: Pick<Cluster, 'nameServer'>,
  version: RocketMQVersion = ROCKETMQ_5,
): Promise<number> {
  const output = join(temporaryFolder('nest-suite'), 'report.json');
  const args = [
    JEST,
    '--selectProjects',
    'e2e',
    '--testPathPatterns',
    'test/e2e/nest-',
    '--testNamePattern',
    namesFor(version),
    '--json',
    '--outputFile',
    output,
  ];
  const env = {
    ROCKETMQ_NAME_SERVER: nameServer,
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
  };
  const suite = startChild('jest', process.execPath, args, { cwd: repositoryRoot, env });
  await suite.exited;
  const report = JSON.parse(readFileSync(output, 'utf8')) as JestReport;
  const failed = report.testResults
    .flatMap((file) => file.assertionResults)
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join('\n')}`);
  expect(failed).toEqual([]);
  expect(await suite.exited).toEqual({ code: 0, signal: null });
  expect(report.numPassedTests).toBeGreaterThan(0);
  return report.numPassedTests;
}
