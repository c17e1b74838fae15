// Tests what a kill repeats of the messages that an app has asked for. Needs the build.
import 'reflect-metadata';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RocketMQModule, RocketMQTemplate } from 'nest-rocketmq';

const ROOT = join(import.meta.dirname, '../..');

let store: string;

beforeEach(() => {
  Logger.overrideLogger(['error']);
  store = mkdtempSync(join(tmpdir(), 'receive-kill-'));
});

afterEach(() => rmSync(store, { recursive: true, force: true }));

/** Sends three messages, receives two, one after the other, and dies. */
const VICTIM = `
  import 'reflect-metadata';
  import { NestFactory } from '@nestjs/core';
  import { RocketMQModule, RocketMQTemplate } from 'nest-rocketmq';
  const module = RocketMQModule.forRoot({ group: 'app', embedded: { store: process.env.STORE }, topics: [{ name: 't', queues: 1 }] });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  const template = app.get(RocketMQTemplate);
  for (const n of [1, 2, 3]) await template.send('t', n);
  for (let i = 0; i < 2; i++) await template.receive('t', { max: 1, timeout: '60s' });
  process.kill(process.pid, 'SIGKILL');
`;

test('T135 after a kill all comes again that was received since offsets were stored, and nothing is lost', async () => {
  const args = ['--input-type=module', '-e', VICTIM];
  const victim = spawn(process.execPath, args, {
    cwd: join(ROOT, 'sample-app'),
    env: { ...process.env, STORE: store },
  });
  expect(await once(victim, 'exit')).toEqual([null, 'SIGKILL']);
  const imports = [RocketMQModule.forRoot({ group: 'app', embedded: { store } })];
  const app = await Test.createTestingModule({ imports }).compile();
  await app.init();
  const received: unknown[] = [];
  while (received.length < 3) {
    const messages = await app.get(RocketMQTemplate).receive('t', { timeout: '60s' });
    if (messages.length === 0) break;
    received.push(...messages.map(({ payload }) => payload));
  }
  await app.close();
  expect(received).toEqual([1, 2, 3]);
});
