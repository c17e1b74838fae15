// Compares the table of how queues are divided among consumers with what Apache's own classes print.
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, jest, test } from '@jest/globals';
import { cleanUp } from './harness/clean-up.js';
import { apacheJars, ROCKETMQ_5 } from './harness/jars.js';
import { javaRoot, repositoryRoot } from './harness/paths.js';
import { temporaryFolder } from './harness/temporary.js';

jest.setTimeout(300_000);
afterAll(cleanUp);

const run = promisify(execFile);

test("test/fixtures/allocation/table.jsonl is what Apache's strategies make", async () => {
  const jars = await apacheJars(ROCKETMQ_5);
  const folder = temporaryFolder('allocation-table');
  const sources = join(javaRoot, 'src/allocate');
  const files = readdirSync(sources).map((file) => join(sources, file));
  await run('javac', ['-nowarn', '-encoding', 'UTF-8', '-cp', jars, '-d', folder, ...files]);
  const made = join(folder, 'table.jsonl');
  const home = `-Duser.home=${folder}`;
  await run('java', [home, '-cp', [folder, jars].join(delimiter), 'allocate.AllocationTable', made]);
  const table = readFileSync(join(repositoryRoot, 'test/fixtures/allocation/table.jsonl'), 'utf8');
  expect(readFileSync(made, 'utf8') === table).toBe(true);
});
