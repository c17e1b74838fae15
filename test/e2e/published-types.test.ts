// Compiles the types that users get, the libraries' .d.ts included, in an app as strict as TypeScript can be.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

jest.setTimeout(60_000);

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const APP = `
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { Admin, MessageExt, Producer, PushConsumer, SendResult } from '@nest-rocketmq/client';
import { ManualClock, RocketMQError } from '@nest-rocketmq/remoting';
import { RocketMQMessageListener, RocketMQModule } from 'nest-rocketmq';
import { Idempotent, RocketMQIdempotency, SqlIdempotencyStore } from 'nest-rocketmq/idempotency';
import { RocketMQOutboxModule } from 'nest-rocketmq/outbox';
import { rocketMQTesting } from 'nest-rocketmq/testing';

export async function main(): Promise<void> {
  const client = new RocketMQClient({ nameServer: '127.0.0.1:9876', clock: new ManualClock() });
  const admin: Admin = client.admin;
  await admin.createTopic({ topic: 'orders' });
  const producer: Producer = client.createProducer({ group: 'shop' });
  const consumer: PushConsumer = client.createPushConsumer({
    group: 'shop',
    subscriptions: [{ topic: 'orders' }],
    listener: (messages: MessageExt[]) => (messages.length > 0 ? 'CONSUME_SUCCESS' : 'RECONSUME_LATER'),
  });
  await consumer.start();
  const { msgId }: SendResult = await producer.send({ topic: 'orders', body: 'o1' });
  if (msgId === '') throw new RocketMQError('NO_ID', 'there is no id');
}

export class Ledger {
  constructor(readonly idempotency: RocketMQIdempotency) {}

  @Idempotent<{ id: string }>({ key: ({ id }) => id, ttl: '72h' })
  @RocketMQMessageListener({ topic: 'payment' })
  async take({ id }: { id: string }): Promise<void> {
    const { duplicate, result } = await this.idempotency.run(id, () => 7);
    const seven: number | undefined = duplicate ? undefined : result;
    if (seven !== 7) throw new RocketMQError('NOT_SEVEN', 'it is not 7');
  }
}

const store = new SqlIdempotencyStore({ query: async () => [] });
export const imports = [RocketMQModule.forRoot({ idempotency: { store } }), rocketMQTesting().module];
export const outbox = RocketMQOutboxModule.forRoot({ database: { query: async () => [] } });
export const start = (): Promise<Broker> => startBroker({ store: 'memory' });
`;

/** What only a client may construct: each line must be an error. */
const REFUSED = `
import * as client from '@nest-rocketmq/client';

// @ts-expect-error
new client.Producer();
// @ts-expect-error
new client.PushConsumer();
// @ts-expect-error
new client.Admin();
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'types-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each(['commonjs', 'module'])('compile without skipLibCheck in a strict app of type %s', (type) => {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    skipLibCheck: false,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    noEmit: true,
    types: ['node'],
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type }));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts', 'refused.ts'] }));
  writeFileSync(join(folder, 'app.ts'), APP);
  writeFileSync(join(folder, 'refused.ts'), REFUSED);
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  expect(stdout).toBe('');
});
