// Compares the table of SQL92 expressions with what Apache's own classes print.
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
const MOST_OUTPUT_BYTES = 16 * 1024 * 1024;

test("test/fixtures/sql92/table.jsonl is what Apache's filter classes make", async () => {
  const jars = await apacheJars(ROCKETMQ_5);
  const classes = temporaryFolder('filter-table');
  const sources = join(javaRoot, 'src/filter');
  const files = readdirSync(sources).map((file) => join(sources, file));
  await run('javac', ['-nowarn', '-encoding', 'UTF-8', '-cp', jars, '-d', classes, ...files]);
  const classPath = [classes, jars].join(delimiter);
  const { stdout } = await run('java', ['-cp', classPath, 'filter.FilterTable'], { maxBuffer: MOST_OUTPUT_BYTES });
  const table = readFileSync(join(repositoryRoot, 'test/fixtures/sql92/table.jsonl'), 'utf8');
  expect(stdout === table).toBe(true);
});
