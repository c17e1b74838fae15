// Lets several Nest apps of a test use one broker: an embedded one with a manual clock, or the cluster of the harness.
import { Logger } from '@nestjs/common';
import type { Provider, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { systemClock } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { EmbeddedBackend, NAME_SERVER_ENV, RocketMQModule } from 'nest-rocketmq';
import type { RocketMQBackend, RocketMQModuleOptions } from 'nest-rocketmq';
import { ManualClock } from 'nest-rocketmq/testing';
import { PATIENCE_MS, PATIENT, onCluster, unique } from './nest-harness.js';

const STEP_MS = 500;

export class SharedBroker {
  readonly group = unique('shared');
  readonly #manual = onCluster ? undefined : new ManualClock();
  readonly #embedded = this.#manual && new EmbeddedBackend({ store: 'memory', clock: this.#manual }, new Logger());
  #nameServer: Promise<string> | undefined;
  readonly #apps: TestingModule[] = [];

  get clock(): Clock {
    return this.#manual ?? systemClock;
  }

  /** Bootstraps another app, with listeners listening. */
  async start(
    providers: (Provider | Type)[],
    options: Omit<RocketMQModuleOptions, 'nameServer' | 'backend' | 'embedded'> = {},
  ): Promise<TestingModule> {
    Logger.overrideLogger(['error']);
    const place = onCluster ? { nameServer: process.env[NAME_SERVER_ENV], ...PATIENT } : { backend: this.#backend() };
    const rocketmq = RocketMQModule.forRoot({ group: this.group, ...place, ...options });
    const app = await Test.createTestingModule({ providers, imports: [rocketmq] }).compile();
    this.#apps.push(app);
    return app.init();
  }

  /** Waits for `promise` while time passes, by at most `atMost` ms on the embedded broker's clock. */
  async elapse<T>(promise: Promise<T>, atMost: number): Promise<T> {
    let settled = false;
    const mark = (): void => void (settled = true);
    promise.then(mark, mark);
    for (let passed = 0; this.#manual && !settled && passed < atMost; passed += STEP_MS) {
      await Promise.race([this.#manual.advance(STEP_MS, { timeout: PATIENCE_MS }), promise]);
    }
    return promise;
  }

  /** Waits until it is so, while time passes. */
  async until(isSo: () => boolean, what: string): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
      // An app of which a test has made a listener hang must not hold time up.
      if (this.#manual) await this.#manual.advance(100, { wait: false });
      await new Promise((resolve) => setTimeout(resolve, onCluster ? 100 : 0));
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.close()));
    if (this.#nameServer) await this.#embedded?.stop();
  }

  /** The broker goes on when one of its apps closes. */
  #backend(): RocketMQBackend {
    const embedded = this.#embedded!;
    return {
      name: 'shared',
      dial: embedded.dial,
      clock: embedded.clock,
      localOffsetStoreDir: 'memory',
      start: () => (this.#nameServer ??= embedded.start()),
      stop: () => Promise.resolve(),
    };
  }
}
