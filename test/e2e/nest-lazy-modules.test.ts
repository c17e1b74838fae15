// Tests the listeners of modules that an app loads while it runs.
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, expect, jest, test } from '@jest/globals';
import { Inject, Injectable, Module } from '@nestjs/common';
import { LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { RocketMQLocalTransactionState, RocketMQMessageListener, RocketMQTransactionListener } from 'nest-rocketmq';
import type { RocketMQLocalTransactionListener } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

/** A module with a listener of `topic`, in the app's own group unless another is given. */
function lazyModule(topic: string, consumerGroup?: string): new () => object {
  class Late {
    @RocketMQMessageListener({ topic, consumerGroup })
    take(): void {}
  }
  @Module({ providers: [Late] })
  class LateModule {}
  return LateModule;
}

test.each<[string, boolean]>([
  ['a group of its own', true],
  ['a group that listens already', false],
])('a listener of a module that is loaded later listens from then on, in %s', async (_what, own) => {
  const [early, late] = [unique('early'), unique('late')];
  class Early {
    @RocketMQMessageListener({ topic: early })
    take(): void {}
  }
  const app = await startApp({ providers: [Early] });
  await app.template.send(late, 'before');
  const loader = app.module.get(LazyModuleLoader);
  const type = lazyModule(late, own ? unique('own') : undefined);
  await loader.load(() => Promise.resolve(type));
  await loader.load(() => Promise.resolve(type)); // which changes nothing

  const arrivals = Promise.all(
    [early, late].map((topic) => consumed(app.module, { topic, key: 'after' }, { timeout })),
  );
  for (const topic of [early, late]) await app.template.send(topic, 'x', { keys: 'after' });
  await app.elapse(arrivals, '60s');
});

@Injectable()
class Injected {
  constructor(readonly loader: LazyModuleLoader) {}
}

@Injectable()
class LookedUp {
  constructor(private readonly modules: ModuleRef) {}

  get loader(): LazyModuleLoader {
    return this.modules.get(LazyModuleLoader, { strict: false });
  }
}

test.each([
  ['that is injected', Injected],
  ['that it looks up', LookedUp],
])('a listener may load the module itself, also into its own group, with a loader %s', async (_what, source) => {
  const [early, late] = [unique('early'), unique('late')];
  @Injectable()
  class Early {
    constructor(@Inject(source) private readonly source: { readonly loader: LazyModuleLoader }) {}

    @RocketMQMessageListener({ topic: early })
    async take(): Promise<void> {
      await this.source.loader.load(() => Promise.resolve(lazyModule(late)));
    }
  }
  // Awaiting it here would wait for this listener itself.
  const app = await startApp({ providers: [source, Early] }, { shutdownTimeout: 3_600_000 });
  const first = consumed(app.module, { topic: early }, { timeout });
  await app.template.send(late, 'so that the topic is there');
  await app.template.send(early, 'load');
  await app.elapse(first, '30s');
  const arrival = consumed(app.module, { topic: late, key: 'after' }, { timeout });
  await app.template.send(late, 'x', { keys: 'after' });
  await app.elapse(arrival, '60s');
});

test.each([
  ['does not run its listeners in an async storage: each promise would cost more', [], false],
  ['does if it may load modules, since a listener that does is not waited for', [Injected], true],
])('an app %s', async (_what, providers, expected) => {
  const topic = unique('plain');
  class Plain {
    @RocketMQMessageListener({ topic })
    take(): void {}
  }
  const app = await startApp({ providers: [Plain, ...providers] });
  const run = jest.spyOn(AsyncLocalStorage.prototype, 'run');
  const arrival = consumed(app.module, { topic }, { timeout });
  await app.template.send(topic, 'x');
  await app.elapse(arrival, '30s');
  expect(run.mock.calls.length > 0).toBe(expected);
  run.mockRestore();
});

test('modules may be loaded at the same time', async () => {
  const topics = [unique('one'), unique('two'), unique('three')];
  const app = await startApp({});
  for (const topic of topics) await app.template.send(topic, 'so that the topic is there');
  const loader = app.module.get(LazyModuleLoader);
  await Promise.all(topics.map((topic) => loader.load(() => Promise.resolve(lazyModule(topic)))));
  const arrivals = Promise.all(topics.map((topic) => consumed(app.module, { topic, key: 'x' }, { timeout })));
  for (const topic of topics) await app.template.send(topic, 'x', { keys: 'x' });
  await app.elapse(arrivals, '60s');
});

test('load() rejects when its listeners conflict with running ones', async () => {
  const topic = unique('conflict');
  class Early {
    @RocketMQMessageListener({ topic })
    take(): void {}
  }
  const app = await startApp({ providers: [Early] });
  const loading = app.module.get(LazyModuleLoader).load(() => Promise.resolve(lazyModule(topic)));
  await expect(loading).rejects.toThrow(/Early\.take and Late\.take \(RootTestModule and LateModule\)/);
});

test('a transaction listener that is loaded later decides from then on', async () => {
  const topic = unique('tx');
  @RocketMQTransactionListener({ topic })
  class Transactions implements RocketMQLocalTransactionListener {
    executeLocalTransaction(): RocketMQLocalTransactionState {
      return RocketMQLocalTransactionState.COMMIT;
    }
    checkLocalTransaction(): RocketMQLocalTransactionState {
      return RocketMQLocalTransactionState.UNKNOWN;
    }
  }
  @Module({ providers: [Transactions] })
  class LateModule {}
  const app = await startApp({});
  await expect(app.template.sendMessageInTransaction(topic, 1)).rejects.toThrow(/no transaction listener/);
  await app.module.get(LazyModuleLoader).load(() => Promise.resolve(LateModule));
  await expect(app.template.sendMessageInTransaction(topic, 1)).resolves.toMatchObject({ state: 'COMMIT' });
});
