// Chooses where the Nest end-to-end tests run: on an embedded broker with a manual clock or, if ROCKETMQ_NAME_SERVER is set,
// on that cluster in real time. The tests are the same.
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { milliseconds } from '@nest-rocketmq/remoting/internal';
import { NAME_SERVER_ENV, RocketMQModule, RocketMQTemplate } from 'nest-rocketmq';
import type { RocketMQModuleOptions } from 'nest-rocketmq';
import { rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';

const nameServer = process.env[NAME_SERVER_ENV];

/** Whether this run is on a cluster. */
export const onCluster = nameServer !== undefined && nameServer !== '';

/** How long a delivery may take in real time, ms: a cluster needs time to give a new group its queues, and for checks. */
export const PATIENCE_MS = onCluster ? 120_000 : 60_000;

// A test waits several times. Without a cluster, the limit of jest's configuration counts.
if (onCluster) jest.setTimeout(3 * PATIENCE_MS);

/**
 * For an app in real time: a machine on which JVMs and other tests run may take longer for an answer than the 3 s that a
 * send has by default.
 */
export const PATIENT = { producer: { sendMsgTimeout: '30s' } } as const;

const run = `${Date.now().toString(36)}${randomBytes(3).toString('hex')}`;
let names = 0;

/** A name of a topic or group that no other run uses. */
export function unique(name: string): string {
  return `${name}-${run}-${++names}`;
}

export interface TestApp {
  readonly module: TestingModule;
  readonly template: RocketMQTemplate;
  /** The time by the clock of the app: ms since the epoch. */
  now(): number;
  /** Waits for `promise` while time passes: the embedded clock is turned, by at most `atMost`; on a cluster it passes by itself. */
  elapse<T>(promise: Promise<T>, atMost: string): Promise<T>;
  /** Lets a little time pass. */
  turn(): Promise<void>;
  /** Waits until it is so, while time passes. Rejects after the patience of real time. */
  until(isSo: () => boolean | Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

const open = new Set<TestApp>();

/** Of the embedded clock. */
const STEP_MS = 500;
/** Of a cluster's time. */
const POLL_MS = 50;

/** Bootstraps an app of its own, with listeners listening. */
export async function startApp(
  metadata: Pick<ModuleMetadata, 'providers' | 'controllers' | 'imports'>,
  options: Omit<RocketMQModuleOptions, 'nameServer' | 'backend'> = {},
): Promise<TestApp> {
  Logger.overrideLogger(['error']);
  const group = options.group ?? unique('app');
  const { embedded, ...rest } = options;
  const testing = onCluster ? undefined : rocketMQTesting({ ...rest, group, embedded });
  const producer = { ...PATIENT.producer, ...rest.producer };
  const rocketmq = testing?.module ?? RocketMQModule.forRoot({ ...rest, group, nameServer, producer });
  const module = await Test.createTestingModule({
    ...metadata,
    imports: [rocketmq, ...(metadata.imports ?? [])],
  }).compile();
  const app: TestApp = {
    module,
    template: module.get(RocketMQTemplate),
    now: () => (testing ? testing.clock.now() : Date.now()),
    elapse: (promise, atMost) => elapse(testing, promise, atMost),
    // A cluster has nothing to turn, and does not tell what its apps wait for: they ask again.
    turn: () => (testing ? testing.advance(STEP_MS, { wait: false }) : wait(POLL_MS)),
    async until(isSo) {
      const by = performance.now() + PATIENCE_MS;
      while (!(await isSo())) {
        if (performance.now() > by) throw new Error(`waited ${PATIENCE_MS} ms in vain for ${isSo.toString()}`);
        await app.turn();
      }
    },
    async close() {
      open.delete(app);
      await module.close();
    },
  };
  open.add(app);
  await module.init();
  return app;
}

/** Closes what a test has left open. */
export async function closeApps(): Promise<void> {
  await Promise.all([...open].map((app) => app.close()));
}

async function elapse<T>(testing: RocketMQTesting | undefined, promise: Promise<T>, atMost: string): Promise<T> {
  let settled = false;
  const mark = (): void => void (settled = true);
  promise.then(mark, mark);
  const end = (milliseconds(atMost) ?? 0) / STEP_MS;
  // A listener that the test itself holds up holds the clock, too: then the promise alone ends the wait.
  for (let step = 0; testing && !settled && step < end; step++)
    await Promise.race([testing.advance(STEP_MS, { timeout: PATIENCE_MS }), promise]);
  return promise;
}
