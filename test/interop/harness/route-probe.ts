// Asks a name server whether it has a route of a topic yet. It writes its frame by hand, so that the harness does not depend
// on the code under test.
import { connect } from 'node:net';

const GET_ROUTEINFO_BY_TOPIC = 105;
const SUCCESS = 0;
const POLL_MS = 100;
/** Apache's broker registers at its start, 10 s later and then every 30 s, and the first time mostly in vain. ms */
const PATIENCE_MS = 120_000;

function requestFrame(topic: string): Buffer {
  const header = Buffer.from(
    JSON.stringify({
      code: GET_ROUTEINFO_BY_TOPIC,
      language: 'JAVA',
      version: 401,
      opaque: 1,
      flag: 0,
      extFields: { topic },
    }),
  );
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + header.length, 0);
  lengths.writeInt32BE(header.length, 4);
  return Buffer.concat([lengths, header]);
}

/** The answer's code; a refused or broken connection rejects. */
function askForRoute(nameServer: string, topic: string): Promise<number> {
  const [host, port] = nameServer.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    let received = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${nameServer} closed the connection before it answered`)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 8 || received.length < 4 + received.readInt32BE(0)) return;
      const headerLength = received.readInt32BE(4) & 0xffffff;
      resolve((JSON.parse(received.toString('utf8', 8, 8 + headerLength)) as { code: number }).code);
      socket.destroy();
    });
    socket.write(requestFrame(topic));
  });
}

/** Resolves when the name server gives a route of the topic; rejects after 120 s. */
export async function waitForRoute(nameServer: string, topic: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while ((await askForRoute(nameServer, topic)) !== SUCCESS) {
    if (Date.now() > deadline) throw new Error(`${nameServer} has no route of ${topic} after ${PATIENCE_MS} ms`);
    // A name server does not announce new routes: ask again.
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
