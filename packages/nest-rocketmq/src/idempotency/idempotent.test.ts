// Tests where @Idempotent may stand, and on which listeners it takes effect.
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { RocketMQMessageListener } from '../decorators/rocketmq-message-listener.js';
import { RocketMQTemplate } from '../template/rocketmq-template.js';
import { consumed } from '../testing/consumed.js';
import { rocketMQTesting } from '../testing/rocketmq-testing.js';
import type { RocketMQTesting } from '../testing/rocketmq-testing.js';
import { Idempotent } from './idempotent.js';
import { MemoryIdempotencyStore } from './stores/memory-idempotency-store.js';

let app: TestingModule | undefined;
let testing: RocketMQTesting;
let calls: string[];

beforeEach(() => {
  Logger.overrideLogger(['error']);
  calls = [];
});

afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function start(provider: new (...args: never[]) => object, more: object[] = []): Promise<TestingModule> {
  testing = rocketMQTesting({ group: 'shop' });
  app = await Test.createTestingModule({
    imports: [testing.module],
    providers: [provider, ...(more as never[])],
  }).compile();
  return app.init();
}

/** Sends each twice, with a key. */
async function sendTwice(topic: string): Promise<void> {
  for (let count = 0; count < 2; count++) {
    const taken = consumed(app!, { topic });
    await app!.get(RocketMQTemplate).send(topic, {}, { keys: 'k' });
    await testing.advance('1s');
    await taken;
  }
}

test('on a class it counts for all of its listeners, and on a method for that one', async () => {
  @Idempotent()
  class Both {
    @RocketMQMessageListener({ topic: 'first' })
    first(): void {
      calls.push('first');
    }
    @Idempotent({ onDuplicate: 'callHandler' })
    @RocketMQMessageListener({ topic: 'second' })
    second(): void {
      calls.push('second');
    }
  }
  await start(Both);
  await sendTwice('first');
  await sendTwice('second');
  expect(calls).toEqual(['first', 'second', 'second']);
});

test('without it a listener is called for each copy', async () => {
  class Plain {
    @RocketMQMessageListener({ topic: 'plain' })
    take(): void {
      calls.push('plain');
    }
  }
  await start(Plain);
  await sendTwice('plain');
  expect(calls).toEqual(['plain', 'plain']);
});

test('a subclass inherits it', async () => {
  class Base {
    @Idempotent()
    @RocketMQMessageListener({ topic: 'inherited' })
    take(): void {
      calls.push('inherited');
    }
  }
  class Sub extends Base {}
  await start(Sub);
  await sendTwice('inherited');
  expect(calls).toEqual(['inherited']);
});

test('its store may be a provider, by its token', async () => {
  class Stored {
    @Idempotent({ store: MemoryIdempotencyStore, scope: 's', key: () => 'k' })
    @RocketMQMessageListener({ topic: 'stored' })
    take(): void {
      calls.push('stored');
    }
  }
  const store = new MemoryIdempotencyStore();
  await start(Stored, [{ provide: MemoryIdempotencyStore, useValue: store }]);
  await sendTwice('stored');
  await expect(store.find({ scope: 's', key: 'k' })).resolves.toMatchObject({ state: 'done' });
});

describe('refused, with what to do, is', () => {
  test('a broadcast listener: each instance of the app must take it', async () => {
    class Broadcast {
      @Idempotent()
      @RocketMQMessageListener({ topic: 'news', messageModel: 'BROADCASTING' })
      take(): void {}
    }
    await expect(start(Broadcast)).rejects.toThrow(/Broadcast\.take.*@Idempotent with messageModel BROADCASTING/);
  });

  test('a method that is no listener', async () => {
    class Alone {
      @Idempotent()
      forgotten(): void {}
      @RocketMQMessageListener({ topic: 'other' })
      take(): void {}
    }
    await expect(start(Alone)).rejects.toThrow(/Alone\.forgotten.*without @RocketMQMessageListener/);
  });

  test('a static method', () => {
    const declare = () => {
      class Static {
        // @ts-expect-error -- what is refused
        @Idempotent()
        static take = undefined;
      }
      return Static;
    };
    expect(declare).toThrow(/Static\.take.*on a class or on a method/);
  });

  test('a wrong option, when the app starts', async () => {
    class Wrong {
      @Idempotent({ lease: '1ms' })
      @RocketMQMessageListener({ topic: 'wrong' })
      take(): void {}
    }
    await expect(start(Wrong)).rejects.toThrow(/option lease of @Idempotent on Wrong\.take/);
  });
});
