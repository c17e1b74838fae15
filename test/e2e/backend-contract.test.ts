// Tests that each backend does what backends have to do: the embedded one, a cluster's, and one whose broker has a thread of its
// own, which nothing but the public interface connects with the app. Needs the build.
import { once } from 'node:events';
import { Worker, MessageChannel } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker } from '@nest-rocketmq/broker';
import { ClusterBackend, EmbeddedBackend, NAME_SERVER_ENV } from 'nest-rocketmq';
import type { Dial, RocketMQBackend } from 'nest-rocketmq';
import { backendContract } from 'nest-rocketmq/testing';
import { PortStream } from './port-stream.mjs';

/** The broker runs in a worker thread, so that a listener that blocks the event loop does not hold it up. */
class WorkerBackend implements RocketMQBackend {
  readonly name = 'worker';
  readonly localOffsetStoreDir = 'memory';
  #worker: Worker | undefined;

  async start(): Promise<string> {
    this.#worker = new Worker(new URL('broker-worker.mjs', import.meta.url));
    const [{ nameServer }] = (await once(this.#worker, 'message')) as [{ nameServer: string }];
    return nameServer;
  }

  readonly dial: Dial = async (address) => {
    const { port1, port2 } = new MessageChannel();
    const answered = once(port1, 'message');
    this.#worker!.postMessage({ address, port: port2 }, [port2]);
    const [{ refused }] = (await answered) as [{ refused?: string }];
    if (refused !== undefined) throw new Error(refused);
    return new PortStream(port1);
  };

  async stop(): Promise<void> {
    const ended = once(this.#worker!, 'exit');
    this.#worker!.postMessage('stop');
    await ended;
  }
}

let broker: Broker | undefined;
let nameServer = process.env[NAME_SERVER_ENV] ?? '';

beforeAll(async () => {
  if (nameServer !== '') return;
  broker = await startBroker({ store: 'memory', listen: '127.0.0.1:0' });
  nameServer = broker.nameServerAddress;
});
afterAll(async () => broker?.stop());

describe.each<[string, () => RocketMQBackend]>([
  ['the embedded backend', () => new EmbeddedBackend({ store: 'memory' }, silentLogger)],
  ['the backend of a cluster', () => new ClusterBackend(nameServer)],
  ['a backend whose broker is in a worker thread', () => new WorkerBackend()],
])('%s', (_what, create) => {
  it.each(backendContract(create).map(({ name, run }) => [name, run] as const))('%s', (_name, run) => run());
});

describe('the contract', () => {
  const broken = (change: (backend: EmbeddedBackend) => Partial<RocketMQBackend>): (() => RocketMQBackend) => {
    return () => {
      const backend = new EmbeddedBackend({ store: 'memory' }, silentLogger);
      const own = {
        name: backend.name,
        localOffsetStoreDir: 'memory',
        dial: backend.dial,
        start: () => backend.start(),
        stop: () => backend.stop(),
      };
      return { ...own, ...change(backend) };
    };
  };
  const failing = async (create: () => RocketMQBackend, name: RegExp): Promise<unknown> => {
    const found = backendContract(create, { patience: 100 }).find((each) => name.test(each.name))!;
    return found.run().catch((error: unknown) => error);
  };

  it.each<[string, RegExp, (backend: EmbeddedBackend) => Partial<RocketMQBackend>]>([
    ['has no name', /has a name/, () => ({ name: '' })],
    [
      'answers for every address',
      /refuses an address/,
      (backend) => ({ dial: (address) => backend.dial(address === '127.0.0.1:1' ? servers.get(backend)! : address) }),
    ],
    ['never answers', /refuses an address/, () => ({ dial: () => new Promise(() => undefined) })],
  ])('finds a backend that %s', async (_what, name, change) => {
    const create = broken((backend) => ({
      start: async () => {
        const address = await backend.start();
        servers.set(backend, address);
        return address;
      },
      ...change(backend),
    }));
    expect(await failing(create, name)).toMatchObject({ code: 'ERR_ASSERTION' });
  });
  const servers = new WeakMap<EmbeddedBackend, string>();
});
