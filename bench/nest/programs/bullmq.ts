// Runs a Nest app that adds jobs to a BullMQ queue and processes them itself.
import { load } from './peer-module.js';
import { Module, NestFactory, type Decorator } from './peer-nest.js';
import { payloadOf } from './payload.js';
import { Counter, measureLoad, task } from './task.js';

interface BullModule {
  BullModule: { forRoot(options: object): object; registerQueue(options: object): object };
  Processor(name: string, options: object): Decorator;
  WorkerHost: new () => object;
  getQueueToken(name: string): unknown;
}

const QUEUE = 'bench-nest';
const { BullModule, Processor, WorkerHost, getQueueToken } = load<BullModule>('@nestjs/bullmq');
const counter = new Counter();

class Orders extends WorkerHost {
  async process(): Promise<void> {
    counter.received();
  }
}
Processor(QUEUE, { concurrency: task.underWay })(Orders);

class App {}
const [host, port] = task.server.split(':');
Module({
  imports: [
    BullModule.forRoot({
      connection: { host, port: Number(port) },
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    }),
    BullModule.registerQueue({ name: QUEUE }),
  ],
  providers: [Orders],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['warn', 'error'] });
const queue = app.get<{ add(name: string, data: unknown): Promise<unknown> }>(getQueueToken(QUEUE));
const payload = payloadOf(task.size);
await measureLoad(counter, () => queue.add('order', payload), true);
await app.close();
