// Echoes what it receives, in a process of its own: a rise of its latency comes from the machine, not from the broker.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const SELF = fileURLToPath(import.meta.url);

export interface Echo {
  /** host:port */
  address: string;
  stop(): void;
}

export async function startEcho(): Promise<Echo> {
  const child = fork(SELF);
  const [port] = (await once(child, 'message')) as [number];
  return { address: `127.0.0.1:${port}`, stop: () => void child.kill() };
}

if (process.argv[1] === SELF) {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit());
}
