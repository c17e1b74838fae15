// Boots apps in processes of their own, with the embedded broker and empty.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Can be copied to an app outside the workspace. */
export const BOOT_PROGRAM = join(import.meta.dirname, 'boot-app.mjs');

/** ms of CPU in a process of its own */
export interface Boots {
  /** of loading Nest */
  nest: number;
  /** module loading included */
  first: number;
  later: number[];
}

/** How the app loads its modules. */
export type Format = 'import' | 'require';

function run(program: string, ...args: string[]): Boots {
  const env = { ...process.env, NODE_OPTIONS: '', ROCKETMQ_NAME_SERVER: undefined };
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Boots;
}

/** Boots in turn: with the broker, and empty. @param store a folder, or 'memory' */
export function bothBoots(program: string, format: Format, store: string): { broker: Boots; empty: Boots } {
  return { broker: run(program, 'broker', format, store), empty: run(program, 'empty', format) };
}
