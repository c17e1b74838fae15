// Runs a script that is made to be killed, under strace or not.
import { startChild } from '../interop/harness/children.js';

export interface Life {
  /** What followed `acknowledged` on each line. */
  acknowledged: string[];
  killed: boolean;
}

/** @param strace its arguments; without, the script runs by itself */
export async function live(script: string, args: string[], strace?: string[]): Promise<Life> {
  const acknowledged: string[] = [];
  const onLine = (line: string): void => {
    const [, what] = /^acknowledged (.*)$/.exec(line) ?? [];
    if (what) acknowledged.push(what);
    else throw new Error(line);
  };
  const program = [process.execPath, script, ...args];
  const [command, ...rest] = [...(strace ? ['strace', '-f', '-qq', ...strace] : []), ...program];
  // One thread of the pool, so that there is an order.
  const env = { NODE_OPTIONS: '', UV_THREADPOOL_SIZE: '1' };
  const { code, signal } = await startChild('a life', command!, rest, { onLine, env }).exited;
  const killed = signal === 'SIGKILL' || code === 137;
  if (!killed && code !== 0) throw new Error(`it ended with ${code ?? signal}`);
  return { acknowledged, killed };
}

/** Arguments of strace that kill at the n-th of such calls. strace counts each by itself. */
export function killAt(n: number, calls: string): string[] {
  return ['-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${calls}:signal=SIGKILL:when=${n}`];
}
