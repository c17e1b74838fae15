// Runs commands of Apache's mqadmin, and returns what each printed.
import { startChild } from './children.js';
import { QUICK_START, ROCKETMQ_5, javaPeerClasses } from './jars.js';
import { temporaryFolder } from './temporary.js';

/** For a cold JVM and a score of commands on a busy machine. */
const PATIENCE_MS = 180_000;
const MARK = '## ';
const HEAP = ['-Xms64m', '-Xmx256m', ...QUICK_START];

/** @returns the command to its lines, blank ones left out */
export async function mqadmin(nameServer: string, commands: readonly string[]): Promise<Map<string, string[]>> {
  const classPath = await javaPeerClasses(ROCKETMQ_5);
  const home = temporaryFolder('mqadmin');
  const printed = new Map<string, string[]>();
  let lines: string[] = [];
  const onLine = (line: string): void => {
    if (line.startsWith(MARK)) printed.set(line.slice(MARK.length), (lines = []));
    else if (line.trim() !== '') lines.push(line);
  };
  const properties = [
    `-Duser.home=${home}`,
    `-Drocketmq.client.logRoot=${home}/logs`,
    `-Drocketmq.namesrv.addr=${nameServer}`,
  ];
  const args = [...HEAP, ...properties, '-cp', classPath, 'peer.Mqadmin', ...commands];
  const child = startChild('mqadmin', 'java', args, { env: { ROCKETMQ_HOME: home }, onLine });
  await child.line(new RegExp(`^${MARK}end$`), PATIENCE_MS);
  await child.exited;
  return printed;
}

/** The lines of a command that begin with a digit or a letter, as their columns: its rows without its head. */
export function rowsOf(printed: ReadonlyMap<string, string[]>, command: string): string[][] {
  const lines = printed.get(command);
  if (!lines) throw new Error(`mqadmin has not run "${command}", only ${[...printed.keys()].join(', ')}`);
  return lines
    .filter((line) => /^[\w%]/.test(line) && !/\|-[A-Z]+ in /.test(line))
    .map((line) => line.trim().split(/\s{2,}/));
}
