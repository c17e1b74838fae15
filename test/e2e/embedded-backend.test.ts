// Tests what only the embedded backend has: its store, its clock, and processes that share it. Needs the build.
import 'reflect-metadata';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { INestApplicationContext, Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  RocketMQContext,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  StoreInUseError,
} from 'nest-rocketmq';
import type { RocketMQModuleOptions } from 'nest-rocketmq';
import { consumed, failed, rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';

const PROGRAM = join(import.meta.dirname, 'embedded-app.mjs');
const BUILD = join(import.meta.dirname, '../../packages/nest-rocketmq/dist/esm/index.js');

let directory: string;
/** For disks and other processes, and for turning the clock by hours, real time. */
const PATIENT = { timeout: '60s' };

const children: ChildProcess[] = [];
const apps: INestApplicationContext[] = [];

beforeEach(() => {
  Logger.overrideLogger(['error']);
  directory = mkdtempSync(join(tmpdir(), 'embedded-'));
});

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

async function start(
  imported: RocketMQTesting | RocketMQModuleOptions,
  providers: Provider[] = [],
): Promise<INestApplicationContext> {
  const module = 'module' in imported ? imported.module : RocketMQModule.forRoot(imported);
  const app = await Test.createTestingModule({ imports: [module], providers }).compile();
  apps.push(app);
  await app.init();
  return app;
}

async function stop(app: INestApplicationContext): Promise<void> {
  apps.splice(apps.indexOf(app), 1);
  await app.close();
}

interface OtherProcess {
  readonly child: ChildProcess;
  readonly output: string[];
  readonly lines: Interface;
}

/** Resolves with the other process's output when it has printed `word`. */
async function startProcess(options: RocketMQModuleOptions, word: string): Promise<OtherProcess> {
  if (!existsSync(BUILD)) throw new Error(`${BUILD} is not there: run npm run build`);
  const { ROCKETMQ_NAME_SERVER: _cluster, NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
    cwd: directory,
    env: { ...env, NO_COLOR: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const output: string[] = [];
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    output.push(line);
    if (line.startsWith(word)) return { child, output, lines };
  }
  throw new Error(`the other process ended without '${word}':\n${output.join('\n')}`);
}

describe('the store', () => {
  test('is .rocketmq in the working directory by default, and is logged', async () => {
    const { output } = await startProcess({}, 'ready');
    expect(output.join('\n')).toContain(`embedded broker, stored in ${join(directory, '.rocketmq')}`);
    expect(readdirSync(join(directory, '.rocketmq'))).toContain('lock');
  });

  test('keeps messages over a restart of the app', async () => {
    const embedded = { store: join(directory, 'kept') };
    const first = await start(rocketMQTesting({ embedded, group: 'g' }));
    const { msgId } = await first.get(RocketMQTemplate).send('orders:created', { id: 'o1' });
    await stop(first);

    class Listener {
      @RocketMQMessageListener({ topic: 'orders' })
      take(): void {}
    }
    const testing = rocketMQTesting({ embedded, group: 'g' });
    const second = await start(testing, [Listener]);
    const arrival = consumed(second, { topic: 'orders' }, PATIENT);
    await testing.advance('10s', PATIENT);
    expect((await arrival).context).toMatchObject({ msgId, tags: 'created' });
  });

  test("'memory' writes nothing", async () => {
    const { output } = await startProcess({ embedded: { store: 'memory' } }, 'ready');
    expect(output.join('\n')).toContain('embedded broker, in memory');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('that another process holds is an error that names the process and the remedies', async () => {
    const store = join(directory, 'held');
    const { child } = await startProcess({ embedded: { store } }, 'ready');
    const refused = start({ embedded: { store }, group: 'g' });
    await expect(refused).rejects.toThrow(StoreInUseError);
    await expect(refused).rejects.toMatchObject({ code: 'STORE_IN_USE', store, pid: child.pid });
    await expect(refused).rejects.toThrow(new RegExp(`${child.pid}.*'memory'.*listen.* there.*nameServer.* here`));
  });

  test('that another app of this process holds is the same error', async () => {
    const embedded = { store: join(directory, 'held') };
    await start({ embedded, group: 'one' });
    await expect(start({ embedded, group: 'two' })).rejects.toMatchObject({ code: 'STORE_IN_USE', pid: process.pid });
  });

  test('with an impossible path is refused by the name of the option', async () => {
    await expect(start({ embedded: { store: 7 as never } })).rejects.toThrow(/embedded\.store.*7/);
    await expect(start({ embedded: { flsh: 'sync' } as never })).rejects.toThrow(/embedded\.flsh.*flush/);
    await expect(start({ embedded: { store: 'memory', flush: 'often' as never } })).rejects.toThrow(
      /flush.*often.*sync/,
    );
    await expect(start({ embedded: { clock: {} as never } })).rejects.toThrow(/embedded\.clock.*now\(\)/);
    writeFileSync(join(directory, 'file'), '');
    await expect(start({ embedded: { store: join(directory, 'file') } })).rejects.toThrow();
  });
});

test('a missing topic, with automatic creation off, is an error that names it', async () => {
  const app = await start({ embedded: { store: 'memory', autoCreateTopicEnable: false }, group: 'g' });
  await expect(app.get(RocketMQTemplate).send('nowhere', 1)).rejects.toMatchObject({
    code: 'NOT_FOUND_TOPIC',
    message: expect.stringContaining('topic nowhere'),
  });
});

test('a body over the limit is refused, by its size and the limit', async () => {
  const app = await start({
    embedded: { store: 'memory', maxMessageSize: 1000 },
    producer: { maxMessageSize: 2000 },
    group: 'g',
  });
  const template = app.get(RocketMQTemplate);
  await expect(template.send('orders', 'x'.repeat(3000))).rejects.toThrow(/3000 bytes.*maxMessageSize is 2000/);
  await expect(template.send('orders', 'x'.repeat(1500))).rejects.toThrow(/code 13/);
});

test('with `listen`, apps of other processes join by `nameServer`', async () => {
  const embedded = { store: 'memory', listen: '127.0.0.1:0', nameServerListen: '127.0.0.1:0' };
  const { output } = await startProcess({ embedded, group: 'there' }, 'ready');
  const nameServer = /\{ nameServer: '([^']+)' \}/.exec(output.join('\n'))?.[1];

  class Listener {
    @RocketMQMessageListener({ topic: 'shared' })
    take(): void {}
  }
  const app = await start({ nameServer, group: 'here', producer: { sendMsgTimeout: '60s' } }, [Listener]);
  const arrival = consumed(app, { topic: 'shared' }, PATIENT);
  await app.get(RocketMQTemplate).send('shared', 1);
  await arrival;
});

test.each<[string, RocketMQModuleOptions]>([
  ['embedded', { embedded: { store: 'memory' } }],
  ['embedded and listening', { embedded: { store: 'memory', listen: '127.0.0.1:0', nameServerListen: '127.0.0.1:0' } }],
])('a closed app, %s, leaves no handle that keeps the process alive', async (_how, options) => {
  const { child, lines } = await startProcess(options, 'ready');
  const exited = once(child, 'exit');
  lines.resume();
  child.stdin!.end();
  await expect(exited).resolves.toEqual([0, null]);
});

describe('turning the clock', () => {
  test('30 minutes bring a message that is due in 30 minutes, not a second earlier', async () => {
    const arrivals: number[] = [];
    class Listener {
      @RocketMQMessageListener({ topic: 'later' })
      take(): void {
        arrivals.push(testing.clock.now());
      }
    }
    const testing = rocketMQTesting({ group: 'g' });
    const app = await start(testing, [Listener]);
    const sent = testing.clock.now();
    await app.get(RocketMQTemplate).send('later', 1, { delay: '30m' });
    await testing.advance(30 * 60_000 - 1000);
    expect(arrivals).toEqual([]);
    const arrival = consumed(app, { topic: 'later' }, PATIENT);
    await testing.advance('2s');
    await arrival;
    expect(arrivals[0]! - sent).toBeGreaterThanOrEqual(30 * 60_000);
    expect(arrivals[0]! - sent).toBeLessThan(30 * 60_000 + 1000);
  });

  // Apache's levels 3 to 18, in seconds.
  const BACK_OFF = [10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200];

  test('a message that always fails comes 16 times again at growing distances, and then lies with the dead letters', async () => {
    const deliveries: [number, number][] = [];
    class Listener {
      @RocketMQMessageListener({ topic: 'orders', consumerGroup: 'failing' })
      fail(_message: unknown, context: RocketMQContext): void {
        deliveries.push([context.reconsumeTimes, testing.clock.now()]);
        throw new Error('never');
      }
      @RocketMQMessageListener({ topic: '%DLQ%failing', consumerGroup: 'dead' })
      dead(): void {}
    }
    const testing = rocketMQTesting({ group: 'g' });
    const app = await start(testing, [Listener]);
    const all = failed(app, { group: 'failing' }, { times: 17, ...PATIENT });
    const dead = consumed(app, { group: 'dead' }, PATIENT);
    await app.get(RocketMQTemplate).send('orders', { id: 'o1' });
    await testing.advance('5h', PATIENT);
    await all;
    expect((await dead).context.message.body.toString()).toBe('{"id":"o1"}');
    expect(deliveries.map(([times]) => times)).toEqual([...BACK_OFF.keys(), 16]);
    const gaps = deliveries.slice(1).map(([, at], index) => (at - deliveries[index]![1]) / 1000);
    expect(gaps.map(Math.floor)).toEqual(BACK_OFF);
  });

  test('leaves no timer armed once the app is closed', async () => {
    class Listener {
      @RocketMQMessageListener({ topic: 'orders' })
      take(): void {}
    }
    const testing = rocketMQTesting({ group: 'g' });
    const app = await start(testing, [Listener]);
    await app.get(RocketMQTemplate).send('orders', 1);
    await testing.advance('1m');
    await stop(app);
    expect(testing.clock.pending).toBe(0);
  });
});
