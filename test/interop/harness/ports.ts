// Finds free TCP ports on the loopback interface.
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';

const ATTEMPTS = 50;

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

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

export async function freePort(): Promise<number> {
  const server = await listen(0);
  const port = portOf(server);
  await close(server);
  return port;
}

/** A port for Apache's broker, which also listens on the one two below (VIP) and the one above (replication). */
export async function freeBrokerPort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const servers = [await listen(0)];
    const port = portOf(servers[0]!);
    const others = await Promise.allSettled([listen(port - 2), listen(port + 1)]);
    for (const other of others) if (other.status === 'fulfilled') servers.push(other.value);
    await Promise.all(servers.map(close));
    if (servers.length === 3) return port;
  }
  throw new Error(`no three free ports n-2, n, n+1 on 127.0.0.1 in ${ATTEMPTS} attempts`);
}
