// Finds free TCP ports on the loopback interface for servers that start a moment later.
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';

const ATTEMPTS = 50;
/** Below those that the system gives to whoever asks for any: one that is found stays free until a JVM has come up. */
const [FIRST_PORT, END_PORT] = [15_000, 32_000];
/** Each of jest's workers takes its ports from a part of its own: two that look at the same moment find the same ports free. */
const PARTS = 8;
const PART_SIZE = Math.floor((END_PORT - FIRST_PORT) / PARTS);
/** Found, and maybe not listened on yet. */
const found = new Set<number>();

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** A port chosen by chance, when those at these distances from it are free. */
async function freePorts(distances: readonly number[]): Promise<number> {
  const first = FIRST_PORT + (Number(process.env['JEST_WORKER_ID'] ?? 0) % PARTS) * PART_SIZE;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(first, first + PART_SIZE);
    if (distances.some((distance) => found.has(port + distance))) continue;
    const tried = await Promise.allSettled(distances.map((distance) => listen(port + distance)));
    const servers = tried.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
    await Promise.all(servers.map(close));
    if (servers.length < distances.length) continue;
    for (const distance of distances) found.add(port + distance);
    return port;
  }
  throw new Error(`no port is free together with those at ${distances.join()} from it in ${ATTEMPTS} attempts`);
}

export const freePort = (): Promise<number> => freePorts([0]);

/** A port for Apache's broker, which also listens on the one two below (VIP) and the one above (replication). */
export const freeBrokerPort = (): Promise<number> => freePorts([-2, 0, 1]);
