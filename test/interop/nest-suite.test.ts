// Runs the Nest end-to-end suite of `npm test`, unchanged, on a real cluster and on ours, switched by ROCKETMQ_NAME_SERVER.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DEFAULT_MESSAGE_DELAY_LEVEL } from '@nest-rocketmq/remoting/internal';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startApache } from './harness/apache.js';
import { startChild } from './harness/children.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster, ClusterOptions } from './harness/cluster.js';
import { startOurBroker } from './harness/our-broker.js';
import { repositoryRoot } from './harness/paths.js';
import { temporaryFolder } from './harness/temporary.js';

// A minute on a quiet machine, nine on one with thirty busy processes for each core.
jest.setTimeout(1_200_000);

const JEST = join(repositoryRoot, 'node_modules/jest/bin/jest.js');

interface JestReport {
  numPassedTests: number;
  testResults: { assertionResults: { fullName: string; status: string; failureMessages: string[] }[] }[];
}

describe.each<[string, (options: ClusterOptions) => Promise<Cluster>]>([
  ["Apache's own name server and broker 5.5.0", startApache],
  ['our name server and broker in a process of their own', startOurBroker],
])('on %s', (name, start) => {
  let cluster: Cluster;
  beforeAll(async () => {
    // The suite asks for delays by their length, which the client maps to these levels.
    cluster = await start({
      settings: { messageDelayLevel: DEFAULT_MESSAGE_DELAY_LEVEL, enablePropertyFilter: 'true' },
    });
  });
  afterAll(cleanUp);

  test('the Nest end-to-end suite passes', async () => {
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
      ROCKETMQ_NAME_SERVER: cluster.nameServer,
      NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
    };
    const run = startChild('jest', process.execPath, args, { cwd: repositoryRoot, env });
    await run.exited;
    const report = JSON.parse(readFileSync(output, 'utf8')) as JestReport;
    const failed = report.testResults
      .flatMap((file) => file.assertionResults)
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join('\n')}`);
    expect(failed).toEqual([]);
    expect(await run.exited).toEqual({ code: 0, signal: null });
    expect(report.numPassedTests).toBeGreaterThan(0);
    process.stdout.write(`the Nest end-to-end suite on ${name}: ${report.numPassedTests} passed\n`);
  });
});
