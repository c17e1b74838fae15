// Tests transactional sends and their checks.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  RocketMQContext,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQTransactionListener,
} from 'nest-rocketmq';
import type { RocketMQLocalTransactionListener, TransactionContext, TransactionLog } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, onCluster, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const { COMMIT, ROLLBACK, UNKNOWN } = RocketMQLocalTransactionState;
const timeout = PATIENCE_MS;

interface Order {
  id: string;
}

type Decide = (order: Order, context: TransactionContext) => RocketMQLocalTransactionState;
type Check = (order: Order, context: RocketMQContext) => RocketMQLocalTransactionState;

let topic: string;
let seen: string[];

beforeEach(() => {
  topic = unique('tx');
  seen = [];
});

afterEach(closeApps);

async function appThat(decide: Decide, check: Check = () => UNKNOWN): Promise<TestApp> {
  @RocketMQTransactionListener({ topic })
  class Transactions implements RocketMQLocalTransactionListener<Order> {
    executeLocalTransaction(order: Order, context: TransactionContext): RocketMQLocalTransactionState {
      return decide(order, context);
    }
    checkLocalTransaction(order: Order, context: RocketMQContext): RocketMQLocalTransactionState {
      return check(order, context);
    }
  }

  class Listener {
    @RocketMQMessageListener({ topic })
    take(order: Order): void {
      seen.push(order.id);
    }
  }

  return startApp({ providers: [Transactions, Listener] });
}

/** A plain message sent after a transaction: once it has arrived, what was sent before would have arrived too. */
async function laterMessageArrives(app: TestApp): Promise<void> {
  const arrival = consumed(app.module, { topic, key: 'later' }, { timeout });
  await app.template.send(topic, { id: 'later' }, { keys: 'later' });
  await app.elapse(arrival, '30s');
}

test('a committed message reaches its consumers, after the local transaction', async () => {
  const app = await appThat((order, context) => {
    expect(context).toMatchObject({ topic, tags: 'created', keys: ['o1'], arg: 'arg' });
    expect(context.transactionId).not.toBe('');
    seen.push(`executed ${order.id}`);
    return COMMIT;
  });
  const arrival = consumed(app.module, { topic }, { timeout });
  const result = await app.template.sendMessageInTransaction(
    `${topic}:created`,
    { id: 'o1' },
    { keys: 'o1', arg: 'arg' },
  );
  expect(result).toMatchObject({ state: COMMIT, error: undefined, sendStatus: 'SEND_OK' });
  const { context } = await app.elapse(arrival, '30s');
  expect(context).toMatchObject({ tags: 'created', keys: ['o1'], msgId: result.msgId });
  expect(seen).toEqual(['executed o1', 'o1']);
});

test('a message that was rolled back reaches nobody', async () => {
  const app = await appThat(
    () => ROLLBACK,
    // A busy cluster may ask before it hears of the end.
    () => (onCluster ? UNKNOWN : COMMIT),
  );
  const { state } = await app.template.sendMessageInTransaction(topic, { id: 'dropped' });
  expect(state).toBe(ROLLBACK);
  await laterMessageArrives(app);
  expect(seen).toEqual(['later']);
});

test('an unknown outcome is asked for, and the answer counts', async () => {
  const checks: [Order, RocketMQContext][] = [];
  const app = await appThat(
    () => UNKNOWN,
    (order, context) => {
      checks.push([order, context]);
      return COMMIT;
    },
  );
  const arrival = consumed(app.module, { topic }, { timeout });
  const { state, msgId } = await app.template.sendMessageInTransaction(
    `${topic}:created`,
    { id: 'o1' },
    { keys: 'o1' },
  );
  expect(state).toBe(UNKNOWN);
  await app.elapse(arrival, '120s');
  expect(seen).toEqual(['o1']);
  // A broker asks again when the answer takes more than a second.
  expect(onCluster ? checks.length > 0 : checks.length === 1).toBe(true);
  const [order, context] = checks[0]!;
  expect(order).toEqual({ id: 'o1' });
  expect(context).toMatchObject({ topic, tags: 'created', keys: ['o1'], msgId });
});

test('a local transaction that throws is unknown, and the sender learns why', async () => {
  const app = await appThat(
    () => {
      throw new Error('database down');
    },
    () => ROLLBACK,
  );
  const { state, error } = await app.template.sendMessageInTransaction(topic, { id: 'o1' });
  expect(state).toBe(UNKNOWN);
  expect(error).toMatchObject({ message: 'database down' });
});

test('one producer group serves the transactions of several topics', async () => {
  const other = unique('tx');
  const executed: string[] = [];

  @RocketMQTransactionListener({ topic: [topic, other] })
  class Transactions implements RocketMQLocalTransactionListener<Order> {
    executeLocalTransaction(_order: Order, context: TransactionContext): RocketMQLocalTransactionState {
      executed.push(context.topic);
      return COMMIT;
    }
    checkLocalTransaction(): RocketMQLocalTransactionState {
      return UNKNOWN;
    }
  }

  const app = await startApp({ providers: [Transactions] });
  await app.template.sendMessageInTransaction(topic, { id: '1' });
  await app.template.sendMessageInTransaction(other, { id: '2' });
  expect(executed).toEqual([topic, other]);
  const nobodys = unique('tx');
  await expect(app.template.sendMessageInTransaction(nobodys, {})).rejects.toThrow(
    new RegExp(`no transaction listener for topic '${nobodys}'`),
  );
});

/** A log whose answers the test gives; `asked` are the ids that it was asked about. */
class Log implements TransactionLog {
  readonly asked: string[] = [];
  constructor(private readonly answer: () => boolean = () => false) {}
  record(): Promise<void> {
    return Promise.resolve();
  }
  async hasCommitted(transactionId: string): Promise<boolean> {
    this.asked.push(transactionId);
    return this.answer();
  }
}

function appWithLog(transactionLog?: TransactionLog): Promise<TestApp> {
  class Listener {
    @RocketMQMessageListener({ topic, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
    take(order: Order): void {
      seen.push(order.id);
    }
  }
  return startApp({ providers: [Listener] }, transactionLog ? { transactionLog } : {});
}

describe('a transaction in a function', () => {
  test('is committed when the function returns, with keys, tag and sharding key, and has what it returned', async () => {
    const app = await appWithLog(new Log());
    const arrival = consumed(app.module, { topic }, { timeout });
    const options = { keys: ['k1', 'k2'], shardingKey: 'o1' };
    let transactionId = '';
    const result = await app.template.transaction(
      `${topic}:created`,
      { id: 'o1' },
      async (message) => {
        expect(message).toMatchObject({ topic, tags: 'created', keys: ['k1', 'k2'] });
        transactionId = message.transactionId;
        seen.push('worked');
        return { stored: true };
      },
      options,
    );
    expect(result).toEqual({ stored: true });
    const { context } = await app.elapse(arrival, '30s');
    expect(context).toMatchObject({ tags: 'created', keys: ['k1', 'k2'], msgId: transactionId });
    expect(context.properties.get('__SHARDINGKEY')).toBe('o1');
    expect(seen).toEqual(['worked', 'o1']);
  });

  test('is dropped when the function throws, which the caller gets, or returns ROLLBACK', async () => {
    const app = await appWithLog();
    const { template } = app;
    const failing = template.transaction(topic, { id: 'failed' }, () => Promise.reject(new Error('no stock')));
    await expect(failing).rejects.toThrow('no stock');
    expect(await template.transaction(topic, { id: 'dropped' }, () => ROLLBACK)).toBe(ROLLBACK);
    await laterMessageArrives(app);
    expect(seen).toEqual(['later']);
  });

  test('is committed after a throw when the log has it: the work was done all the same', async () => {
    const log = new Log(() => true);
    const app = await appWithLog(log);
    const arrival = consumed(app.module, { topic }, { timeout });
    const failing = app.template.transaction(topic, { id: 'o1' }, () => Promise.reject(new Error('connection lost')));
    await expect(failing).rejects.toThrow('connection lost');
    await app.elapse(arrival, '30s');
    expect(seen).toEqual(['o1']);
    expect(onCluster ? log.asked.length > 0 : log.asked.length === 1).toBe(true);
  });

  test('is left to the check when the function returns UNKNOWN, or when the log has no answer: the log is asked again', async () => {
    let isDown = true;
    const log = new Log(() => {
      if (isDown) throw new Error('database down');
      return true;
    });
    const app = await appWithLog(log);
    const failing = app.template.transaction(topic, { id: 'o1' }, () => Promise.reject(new Error('connection lost')));
    await expect(failing).rejects.toThrow('connection lost');
    isDown = false;
    await app.template.transaction(topic, { id: 'o2' }, () => UNKNOWN);
    // A busy cluster may have asked about the first one by now, and delivers twice what it asks about twice.
    if (!onCluster) expect(seen).toEqual([]);
    await app.until(() => new Set(seen).size === 2);
    expect((onCluster ? [...new Set(seen)] : seen).toSorted()).toEqual(['o1', 'o2']);
  });
});

describe('a transaction by its handle', () => {
  test('ends when and how the app says, from anywhere', async () => {
    const app = await appWithLog(new Log());
    const arrival = consumed(app.module, { topic }, { timeout });
    const dropped = await app.template.beginTransaction(topic, { id: 'dropped' });
    const kept = await app.template.beginTransaction(topic, { id: 'kept' }, { keys: 'kept', shardingKey: 'k' });
    expect(seen).toEqual([]);
    await dropped.rollback();
    await kept.commit();
    const { context } = await app.elapse(arrival, '30s');
    expect(context).toMatchObject({ keys: ['kept'], msgId: kept.transactionId });
    await expect(kept.rollback()).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' });
    expect(seen).toEqual(['kept']);
  });
});

test('a class may check transactions only; then sendMessageInTransaction has nothing to run', async () => {
  @RocketMQTransactionListener({ topic })
  class Checker {
    checkLocalTransaction(): RocketMQLocalTransactionState {
      return COMMIT;
    }
  }
  const app = await startApp({ providers: [Checker] });
  await app.template.transaction(topic, { id: 'o1' }, () => undefined);
  await expect(app.template.sendMessageInTransaction(topic, {})).rejects.toThrow(/Checker .*only checks transactions/);
});
