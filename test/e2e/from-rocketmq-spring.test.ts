// Compiles and runs the examples of docs/from-rocketmq-spring.md, with the types and the code that users get. Needs the build.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/from-rocketmq-spring.md'), 'utf8');

const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2022',
  strict: true,
  exactOptionalPropertyTypes: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
};

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

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'from-spring-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the examples beside rocketmq-spring compile in a strict app, and run', () => {
  const examples = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
  expect(examples.length).toBe(3);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['app.ts'] }),
  );
  writeFileSync(join(folder, 'app.ts'), program(examples));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  expect(spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' }).stdout).toBe('');
  const env = { ...process.env, NODE_OPTIONS: '', ROCKETMQ_NAME_SERVER: undefined };
  const { stdout, stderr, status } = spawnSync(process.execPath, ['app.js'], { cwd: folder, encoding: 'utf8', env });
  expect([stderr, status]).toEqual(['', 0]);
  expect(stdout).toMatch(/^true apple: 3 COMMIT o1$/m);
});
