// Runs the Nest end-to-end suite of `npm test` in a process of its own, on a running cluster.
import { expect } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../harness/children.js';
import type { Cluster } from '../harness/cluster.js';
import { repositoryRoot } from '../harness/paths.js';
import { temporaryFolder } from '../harness/temporary.js';

const JEST = join(repositoryRoot, 'node_modules/jest/bin/jest.js');

interface JestReport {
  numPassedTests: number;
  testResults: { assertionResults: { fullName: string; status: string; failureMessages: string[] }[] }[];
}

/** @returns how many tests have passed; all but those that are skipped must. */
export async function passNestSuite({ nameServer }: Pick<Cluster, 'nameServer'>): Promise<number> {
  const output = join(temporaryFolder('nest-suite'), 'report.json');
  const args = [
    JEST,
    '--selectProjects',
    'e2e',
    '--testPathPatterns',
    'test/e2e/nest-',
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
