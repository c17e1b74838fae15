// Kills the real sample app with SIGKILL between its commit in the database and its verdict to the broker. Needs the build.
import 'reflect-metadata';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { RocketMQMessageListener } from 'nest-rocketmq';
import { consumed, rocketMQTesting } from 'nest-rocketmq/testing';
import { AppModule } from '../../sample-app/src/app.module.js';
import { AppConfig } from '../../sample-app/src/config.js';
import { Database } from '../../sample-app/src/database/database.js';
import { databaseDirectory } from '../../sample-app/test-kit/data-directory.js';

const MAIN = join(import.meta.dirname, '../../sample-app/dist/main.js');
const HOOK = pathToFileURL(join(import.meta.dirname, 'kill-after-insert.mjs')).href;
/** The group of the sample app: the broker checks the half message with its producers. */
const GROUP = 'shop';

/** Listeners ask PostgreSQL, which is slow on a busy machine. */
const PATIENT = { timeout: '60s' };

let directory: string;
let child: ChildProcess | undefined;
let module: TestingModule | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sample-kill-'));
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: GROUP }));
  await databaseDirectory(join(directory, '.pgdata'));
});

afterEach(async () => {
  child?.kill('SIGKILL');
  await module?.close();
  rmSync(directory, { recursive: true });
});

/** Starts the built app, which stores everything below `directory`; resolves with its address. */
async function startDoomedApp(): Promise<string> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run npm run build`);
  const { ROCKETMQ_NAME_SERVER: _cluster, DATABASE_URL: _server, NODE_OPTIONS: _options, ...env } = process.env;
  child = spawn(process.execPath, ['--import', HOOK, MAIN], {
    cwd: directory,
    env: { ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /listens on (http:\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error('the sample app ended before it listened');
}

test('ends in one order and one event', async () => {
  const url = await startDoomedApp();
  const killed = once(child!, 'exit');
  const request = fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sku: 'coffee', quantity: 2 }),
  });
  await expect(request).rejects.toThrow();
  await expect(killed).resolves.toEqual([null, 'SIGKILL']);

  // The app restarts, on a manual clock and with a listener that counts the events.
  Logger.overrideLogger(['warn', 'error']);
  const events: string[] = [];
  class Events {
    @RocketMQMessageListener({ topic: 'order', tags: 'created', consumerGroup: 'events' })
    count({ id }: { id: string }): void {
      events.push(id);
    }
  }
  const testing = rocketMQTesting({ group: GROUP, embedded: { store: join(directory, '.rocketmq') } });
  const config = new AppConfig(0, '30m', undefined, join(directory, '.pgdata'), testing.options);
  module = await Test.createTestingModule({ imports: [AppModule.register(config)], providers: [Events] }).compile();
  await module.init();
  const event = consumed(module, { group: 'events' }, PATIENT);
  await testing.advance('1m', PATIENT);
  await event;
  const cancelled = consumed(module, { topic: 'order-cancel' }, PATIENT);
  await testing.advance('30m', PATIENT);
  await testing.advance('1m', PATIENT);
  await cancelled;

  const orders = await module.get(Database).query<{ id: string; status: string }>('SELECT id, status FROM orders');
  expect(orders).toEqual([{ id: events[0], status: 'CANCELLED' }]);
  expect(events).toHaveLength(1);
});
