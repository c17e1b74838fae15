// Fetches Apache's jars and compiles the Java peer, once, into folders that git ignores.
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { javaRoot } from './paths.js';
import { type RocketMQVersion, isBefore, ROCKETMQ_5, lacking } from './versions.js';

export { ROCKETMQ_4, ROCKETMQ_5, type RocketMQVersion } from './versions.js';

/** With the first compiler alone and a collector of one thread, a broker's start takes a third less of the CPU. */
export const QUICK_START: readonly string[] = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
/** Options of a JVM for a peer program: many short ones run beside each other. */
export const PEER_HEAP: readonly string[] = ['-Xms64m', '-Xmx384m', ...QUICK_START];
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

/** Of this process: several peers may start at once. */
const making = new Map<string, Promise<void>>();

/** Fills a folder beside its place and moves it there whole, so that neither a crash nor a second run meets half a folder. */
export function makeOnce(folder: string, stamp: string, fill: (folder: string) => Promise<void>): Promise<void> {
  if (isStamped(folder, stamp)) return Promise.resolve();
  const made = making.get(folder) ?? make(folder, stamp, fill).finally(() => making.delete(folder));
  making.set(folder, made);
  return made;
}

async function make(folder: string, stamp: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const unfinished = `${folder}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  await fill(unfinished);
  writeFileSync(join(unfinished, STAMP), stamp);
  while (!moved(unfinished, folder)) {
    // Another test file of the same run was faster, and its JVMs use the folder already.
    if (isStamped(folder, stamp)) return rmSync(unfinished, { recursive: true });
    const old = `${unfinished}.old`;
    if (moved(folder, old)) rmSync(old, { recursive: true });
  }
}

/** Whether the folder has got that place; not, if it is gone, or if another one is there. */
function moved(folder: string, place: string): boolean {
  try {
    renameSync(folder, place);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code!)) return false;
    throw error;
  }
}

/**
 * The class path of what a pom names, fetched from Maven Central into a folder when it is not there yet.
 * Throws when there is no JDK or no Maven.
 */
export async function mavenJars(pom: string, folder: string, options: readonly string[] = []): Promise<string> {
  await requireTool('java', '-version', 'install a JDK, 17 or later');
  await makeOnce(folder, stampOf(pom), async (unfinished) => {
    await requireTool('mvn', '-version', 'install Maven, 3.8 or later');
    const all = [...options, '-DincludeScope=runtime', `-DoutputDirectory=${unfinished}`];
    await run('mvn', ['-q', '-B', '-f', pom, ...all, 'dependency:copy-dependencies'], { timeout: FETCH_TIMEOUT_MS });
  });
  return join(folder, '*');
}

interface JavaSources {
  /** The folder of the sources. */
  readonly folder: string;
  /** Which of its files. Default: all. */
  readonly only?: (file: string) => boolean;
  /** Names the jars: what was compiled against others is compiled again. */
  readonly pom: string;
}

/** The class path of compiled sources and of the jars that they need. */
export async function javaClasses(
  { folder, only = () => true, pom }: JavaSources,
  jars: string,
  classes: string,
): Promise<string> {
  const sources = readdirSync(folder)
    .sort()
    .filter(only)
    .map((file) => join(folder, file));
  await makeOnce(classes, stampOf(pom, ...sources), async (unfinished) => {
    await requireTool('javac', '-version', 'install a JDK, 17 or later (a JRE has no compiler)');
    await run('javac', ['-nowarn', '-XDignore.symbol.file', '-Xlint:none', '-cp', jars, '-d', unfinished, ...sources]);
  });
  return [classes, jars].join(delimiter);
}

const pom = join(javaRoot, 'pom.xml');

/** The class path of Apache's jars of a version, without those that Maven Central lacks. */
export function apacheJars(version: RocketMQVersion): Promise<string> {
  // The benchmark producer.
  const example = version === ROCKETMQ_5 ? ['-Pexample'] : [];
  const without = lacking(version).map((part) => `-Dwithout-${part}`);
  const options = [`-Drocketmq.version=${version}`, ...example, ...without];
  return mavenJars(pom, join(javaRoot, `lib-${version}`), options);
}

/** Sources of the Java peer that an older client cannot compile. */
function isKnownTo(version: RocketMQVersion, file: string): boolean {
  if (file.startsWith('Pop')) return !isBefore(version, '5.5.0');
  return file !== 'Mqadmin.java' || !lacking(version).includes('tools');
}

/** The class path of the Java peer, compiled against the client of that version. */
export async function javaPeerClasses(version: RocketMQVersion): Promise<string> {
  const only = (file: string): boolean => isKnownTo(version, file);
  const sources = { folder: join(javaRoot, 'src/peer'), only, pom };
  return javaClasses(sources, await apacheJars(version), join(javaRoot, `target/classes-${version}`));
}
