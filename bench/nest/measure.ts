// Runs one program of bench/nest, and adds up the CPU of it and of its server.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Child, startChild } from '../../test/interop/harness/children.js';
import { temporaryFolder } from '../../test/interop/harness/temporary.js';
import { comparable, type Measurement } from '../figures.js';
import { cpuSeconds } from '../process-stats.js';
import { type Contestant, JAVA } from './contestants.js';
import { startJavaClient } from './java.js';
import type { NestBenchOptions } from './options.js';
import type { Result, Task } from './programs/task.js';
import type { BenchServer } from './servers.js';

const PATIENCE_MS = 300_000;
const END = /^end (.*)$/;

export async function measure(
  { program, mode, share = 1 }: Contestant,
  server: BenchServer,
  { messages, size, underWay, warmUp, seconds, peers }: NestBenchOptions,
): Promise<Measurement> {
  const folder = temporaryFolder('bench-nest');
  const load = { size, underWay, messages: Math.ceil(messages * share), warmUp, seconds };
  const child = await start(program, { mode, server: server.address, folder, peers, ...load });
  const cpuOfServer = (): number => server.pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0) * 1e6;
  await child.line(/^begin$/, PATIENCE_MS);
  const before = cpuOfServer();
  const [, json = ''] = END.exec(await child.line(END, PATIENCE_MS))!;
  const inServer = cpuOfServer() - before;
  await child.exited;
  rmSync(folder, { recursive: true, force: true });
  const result = JSON.parse(json) as Result;
  return [
    comparable('messages/s', (result.messages * 1000) / result.ms),
    comparable('CPU µs a message', (result.cpuMicros + inServer) / result.messages, 1),
    comparable('in the program', result.cpuMicros / result.messages, 1),
    comparable('in the server', server.pids.length > 0 ? inServer / result.messages : undefined, 1),
  ];
}

async function start(program: string, task: Task): Promise<Child> {
  if (program === JAVA) return startJavaClient(task);
  const file = fileURLToPath(new URL(`programs/${program}.js`, import.meta.url));
  return startChild(program, process.execPath, [file, JSON.stringify(task)]);
}
