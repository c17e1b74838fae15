// Finds free TCP ports on the loopback interface for servers that start a moment later.
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { once } from 'node:events';

const ATTEMPTS = 50;
const HOST = '127.0.0.1';
/** Below those that the system gives to whoever asks for any: one that is found stays free until a JVM has come up. */
const [FIRST_PORT, END_PORT] = [15_000, 32_000];

/** A socket or a server that has a port. */
interface Port {
  close(whenClosed: () => void): unknown;
}

async function listen(port: number): Promise<Port> {
  const server = createServer();
  server.listen(port, HOST);
  await once(server, 'listening');
  return server;
}

/**
 * Takes the UDP port of the same number, until this process ends: other workers and other runs see by it that somebody is
 * about to use the TCP port, or will come back there.
 */
async function reserve(port: number): Promise<Port> {
  const socket = createSocket('udp4');
  socket.bind({ port, address: HOST, exclusive: true });
  await once(socket, 'listening');
  socket.unref();
  return socket;
}

/** All of them, or none. */
async function takeAll(ports: readonly number[], take: (port: number) => Promise<Port>): Promise<Port[] | undefined> {
  const tried = await Promise.allSettled(ports.map(take));
  const taken = tried.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
  if (taken.length === ports.length) return taken;
  await closeAll(taken);
  return undefined;
}

async function closeAll(ports: readonly Port[]): Promise<void> {
  await Promise.all(ports.map((port) => new Promise<void>((resolve) => void port.close(resolve))));
}

/** A port chosen by chance, when those at these distances from it are free. */
async function freePorts(distances: readonly number[]): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST_PORT, END_PORT);
    const all = distances.map((distance) => port + distance);
    const reserved = await takeAll(all, reserve);
    if (!reserved) continue;
    const servers = await takeAll(all, listen);
    await closeAll(servers ?? reserved);
    if (servers) return port;
  }
  throw new Error(`no port is free together with those at ${distances.join()} from it in ${ATTEMPTS} attempts`);
}

export const freePort = (): Promise<number> => freePorts([0]);

/** A port for Apache's broker, which also listens on the one two below (VIP) and the one above (replication). */
export const freeBrokerPort = (): Promise<number> => freePorts([-2, 0, 1]);
