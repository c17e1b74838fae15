// Runs a Nest app on a backend, and checks in which order the app uses it.
import { strict as assert } from 'node:assert';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { RocketMQBackend } from '../backends/backend.js';
import { RocketMQModule } from '../rocketmq.module.js';
import { RocketMQTemplate } from '../template/rocketmq-template.js';
import { consumed } from './consumed.js';
import { RocketMQMessageListener } from '../decorators/rocketmq-message-listener.js';

/** The same backend, which writes down what is asked of it. */
function observed(backend: RocketMQBackend, calls: string[], open: Set<Duplex>): RocketMQBackend {
  return {
    name: backend.name,
    clock: backend.clock,
    ...(backend.localOffsetStoreDir !== undefined && { localOffsetStoreDir: backend.localOffsetStoreDir }),
    dial: async (address) => {
      const stream = await backend.dial(address);
      open.add(stream);
      stream.once('close', () => open.delete(stream));
      return stream;
    },
    start: () => (calls.push('start'), backend.start()),
    stopping: () => {
      calls.push('stopping');
      backend.stopping?.();
    },
    stop: () => {
      calls.push(
        `stop with ${[...open].filter(({ destroyed, writableEnded }) => !destroyed && !writableEnded).length} open`,
      );
      return backend.stop();
    },
  };
}

/** @param patience ms @throws AssertionError */
export async function backendInApp(backend: RocketMQBackend, patience: number): Promise<void> {
  const name = `contract-${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;
  class Listener {
    @RocketMQMessageListener({
      topic: name,
      consumerGroup: `${name}-listener`,
      payload: 'string',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    })
    take(): void {}
  }
  class App {}
  const calls: string[] = [];
  const module = RocketMQModule.forRoot({
    backend: observed(backend, calls, new Set()),
    group: name,
    topics: [{ name, queues: 1 }],
  });
  const app = await NestFactory.createApplicationContext(
    { module: App, imports: [module], providers: [Listener] },
    { abortOnError: false, logger: false },
  );
  // Nest keeps a logger for the whole process.
  Logger.overrideLogger(true);
  try {
    const done = consumed(app, { topic: name }, { timeout: patience });
    await Promise.all([done, app.get(RocketMQTemplate).send(name, 'hello')]);
  } finally {
    await app.close();
  }
  assert.deepEqual(calls, ['start', 'stopping', 'stop with 0 open']);
}
