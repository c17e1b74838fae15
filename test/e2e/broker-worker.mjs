// Runs a broker in a worker thread, from the build. Each connection comes as a MessagePort, with the address that it dials.
import { parentPort } from 'node:worker_threads';
import { startBroker } from '@nest-rocketmq/broker';
import { PortStream } from './port-stream.mjs';

const broker = await startBroker({ store: 'memory' });

async function connect({ address, port }) {
  try {
    const inner = await broker.dial(address);
    port.postMessage({ open: true });
    const outer = new PortStream(port);
    // Not `pipeline`: an end of one direction must not end the other.
    inner.pipe(outer).pipe(inner);
    inner.once('close', () => outer.destroy());
    outer.once('close', () => inner.destroy());
    for (const stream of [inner, outer]) stream.on('error', () => stream.destroy());
  } catch (error) {
    port.postMessage({ refused: error.message });
    port.close();
  }
}

async function stop() {
  await broker.stop();
  // The thread ends with its last port.
  parentPort.close();
}

parentPort.on('message', (message) => void (message === 'stop' ? stop() : connect(message)));
parentPort.postMessage({ nameServer: broker.nameServerAddress });
