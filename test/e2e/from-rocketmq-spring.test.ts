// Compiles and runs the examples of docs/from-rocketmq-spring.md, with the types and the code that users get. Needs the build.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { blocksOf, root, runApp } from './compiled-app.js';

const page = readFileSync(join(root, 'docs/from-rocketmq-spring.md'), 'utf8');

/** What the examples name. */
const HEAD = `
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import {
  RocketMQContext, RocketMQLocalTransactionState, RocketMQMessageListener, RocketMQModule, RocketMQTemplate,
  RocketMQTransactionListener,
} from 'nest-rocketmq';
import type { RocketMQListener, RocketMQLocalTransactionListener, TransactionContext } from 'nest-rocketmq';
`;

/** Runs the examples of the template with those of listeners in one app; that of the module is only compiled and called. */
function program([sends, listeners, module]: readonly string[]): string {
  return `${HEAD}
${listeners}
${module}
class App {}
const imports = [RocketMQModule.forRoot({ group: 'shop', embedded: { store: 'memory' } })];
const providers = [Mails, Prices, Payments];
const app = await NestFactory.createApplicationContext({ module: App, imports, providers }, { logger: ['error'] });
const template = app.get(RocketMQTemplate);
${sends}
await app.close();
if (module.providers?.length === 0) throw new Error('the module provides nothing');
`;
}

test('the examples beside rocketmq-spring compile in a strict app, and run', () => {
  const examples = blocksOf(page);
  expect(examples.length).toBe(3);
  expect(runApp({ 'app.ts': program(examples) })).toMatch(/^true apple: 3 COMMIT o1$/m);
});
