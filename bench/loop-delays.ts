// Asks the probe in our broker's process (loop-probe.mjs) for its event loop delays, and formats them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { ourBrokerMain, repositoryRoot } from '../test/interop/harness/paths.js';
import { temporaryFolder } from '../test/interop/harness/temporary.js';
import { type Figure, plain } from './figures.js';

const POLL_MS = 5;
/** A blocked event loop handles the signal late. */
const PATIENCE_MS = 60_000;

/** ms, but for `long`. Each value has the probe's own millisecond in it. */
export interface LoopDelays {
  p50: number;
  p999: number;
  max: number;
  /** How often the loop was blocked for more than 20 ms. */
  long: number;
}

export class LoopProbe {
  readonly env: Record<string, string>;
  private readonly file = join(temporaryFolder('loop-probe'), 'delays.json');
  private reports = 0;

  constructor() {
    const probe = pathToFileURL(join(repositoryRoot, 'bench/loop-probe.mjs')).href;
    this.env = {
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${probe}`.trim(),
      LOOP_PROBE_FILE: this.file,
      LOOP_PROBE_MODULES: pathToFileURL(join(ourBrokerMain, '../index.js')).href,
    };
  }

  /** The delays in the process of this id since the last call, or since its start. */
  async take(pid: number): Promise<LoopDelays> {
    const wanted = ++this.reports;
    process.kill(pid, 'SIGUSR2');
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await delay(POLL_MS)) {
      if (!existsSync(this.file)) continue;
      const seen = JSON.parse(readFileSync(this.file, 'utf8')) as LoopDelays & { report: number };
      if (seen.report === wanted) return seen;
    }
    throw new Error(`the event loop of process ${pid} did not answer the probe within ${PATIENCE_MS} ms`);
  }
}

/** @param when put before the names where a benchmark has several such intervals */
export function loopFigures(delays: LoopDelays | undefined, when = ''): Figure[] {
  return [
    plain(`${when}loop p50 ms`, delays?.p50, 1),
    plain(`${when}loop p99.9 ms`, delays?.p999, 1),
    plain(`${when}loop max ms`, delays?.max, 1),
    plain(`${when}loop > 20 ms`, delays?.long),
  ];
}
