// Fetches other versions of Node from the npm registry, once, into a folder that git ignores, and runs test files on them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run as runFile, makeOnce, FETCH_TIMEOUT_MS } from './jars.js';
import { run } from './packed-libraries.js';
import { repositoryRoot } from './paths.js';
import { temporaryFolder } from './temporary.js';

/** The first 22 that has ZSTD, and a 24. What tests run on else is the Node that runs them. */
export const OTHER_NODES = ['22.15.0', '24.21.0'] as const;
export type OtherNode = (typeof OTHER_NODES)[number];

/** @returns the path of its binary */
export async function nodeBinary(version: OtherNode): Promise<string> {
  // The packages that `node` itself installs by a script, which some machines do not let run.
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = join(repositoryRoot, '.cache', `node-${version}`);
  await makeOnce(folder, version, async (unfinished) => {
    const quick = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    await runFile('npm', ['install', ...quick, `--prefix=${unfinished}`, `${name}@${version}`], {
      timeout: FETCH_TIMEOUT_MS,
    });
  });
  return join(folder, 'node_modules', name, 'bin', 'node');
}

/** Full names of the tests that ran, each with its status: `passed`, or `pending` for one that is skipped. */
export type Statuses = ReadonlyMap<string, string>;

interface JestReport {
  testResults: { assertionResults: { fullName: string; status: string }[] }[];
}

/**
 * Runs the tests in `paths` (parts of paths) whose full names match, on that version of Node.
 * Rejects with the last lines of the run if a test fails.
 */
export async function testOn(version: OtherNode, paths: readonly string[], names: RegExp): Promise<Statuses> {
  const report = join(temporaryFolder('node-versions'), 'report.json');
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const patterns = paths.flatMap((path) => ['--testPathPatterns', path]);
  const options = ['--runInBand', '--silent', '--json', `--outputFile=${report}`, '--testNamePattern', names.source];
  const jest = join(repositoryRoot, 'node_modules/jest/bin/jest.js');
  await run(await nodeBinary(version), [...flags, jest, ...patterns, ...options], repositoryRoot);
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as JestReport;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  // Jest reports those that do not match as skipped.
  const meant = results.filter(({ fullName }) => names.test(fullName));
  return new Map(meant.map(({ fullName, status }) => [fullName, status]));
}
