// Fetches Apache's jars and compiles the Java peer, once, into folders that git ignores.
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { javaRoot } from './paths.js';

export const ROCKETMQ_5 = '5.5.0';
export const ROCKETMQ_4 = '4.9.7';
export type RocketMQVersion = typeof ROCKETMQ_5 | typeof ROCKETMQ_4;

/** Maven Central has a rocketmq-example (the benchmark producer) only of some versions. */
const PROFILES: Record<RocketMQVersion, string[]> = { [ROCKETMQ_5]: ['-Pexample'], [ROCKETMQ_4]: [] };
export const FETCH_TIMEOUT_MS = 300_000;
const STAMP = '.stamp';

export const run = promisify(execFile);

export async function requireTool(command: string, versionArgument: string, remedy: string): Promise<void> {
  try {
    await run(command, [versionArgument]);
  } catch (error) {
    throw new Error(`the interop tests and benchmarks need \`${command}\`, which did not run: ${remedy}`, {
      cause: error,
    });
  }
}

export function stampOf(...files: string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}

function isStamped(folder: string, stamp: string): boolean {
  const file = join(folder, STAMP);
  return existsSync(file) && readFileSync(file, 'utf8') === stamp;
}

/** Fills a folder beside its place and moves it there whole, so that neither a crash nor a second run meets half a folder. */
export async function makeOnce(folder: string, stamp: string, fill: (folder: string) => Promise<void>): Promise<void> {
  if (isStamped(folder, stamp)) return;
  const unfinished = `${folder}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  await fill(unfinished);
  writeFileSync(join(unfinished, STAMP), stamp);
  // Another test file of the same run may have been faster, and its JVMs use the folder already.
  const superfluous = isStamped(folder, stamp);
  rmSync(superfluous ? unfinished : folder, { recursive: true, force: true });
  if (!superfluous) renameSync(unfinished, folder);
}

/**
 * The class path of Apache's jars of a version, fetched from Maven Central when they are not there yet.
 * Throws when there is no JDK or no Maven.
 */
export async function apacheJars(version: RocketMQVersion): Promise<string> {
  await requireTool('java', '-version', 'install a JDK, 17 or later');
  const folder = join(javaRoot, `lib-${version}`);
  const pom = join(javaRoot, 'pom.xml');
  await makeOnce(folder, stampOf(pom), async (unfinished) => {
    await requireTool('mvn', '-version', 'install Maven, 3.8 or later');
    const options = [
      `-Drocketmq.version=${version}`,
      ...PROFILES[version],
      '-DincludeScope=runtime',
      `-DoutputDirectory=${unfinished}`,
    ];
    await run('mvn', ['-q', '-B', '-f', pom, ...options, 'dependency:copy-dependencies'], {
      timeout: FETCH_TIMEOUT_MS,
    });
  });
  return join(folder, '*');
}

/** The class path of the Java peer, compiled against the client of that version. */
export async function javaPeerClasses(version: RocketMQVersion): Promise<string> {
  const jars = await apacheJars(version);
  const sourceFolder = join(javaRoot, 'src/peer');
  const sources = readdirSync(sourceFolder)
    .sort()
    // The client of 4.9 does not know POP.
    .filter((file) => version !== ROCKETMQ_4 || !file.startsWith('Pop'))
    .map((file) => join(sourceFolder, file));
  const classes = join(javaRoot, `target/classes-${version}`);
  await makeOnce(classes, stampOf(join(javaRoot, 'pom.xml'), ...sources), async (unfinished) => {
    await requireTool('javac', '-version', 'install a JDK, 17 or later (a JRE has no compiler)');
    await run('javac', ['-nowarn', '-XDignore.symbol.file', '-Xlint:none', '-cp', jars, '-d', unfinished, ...sources]);
  });
  return [classes, jars].join(delimiter);
}
