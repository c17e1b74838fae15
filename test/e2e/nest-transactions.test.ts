// Tests transactional sends and their checks.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  RocketMQContext,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQTransactionListener,
} from 'nest-rocketmq';
import type { RocketMQLocalTransactionListener, TransactionContext } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';
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

test(
  'a committed message reaches its consumers, after the local transaction',
  async () => {
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
  },
  2 * PATIENCE_MS,
);

test(
  'a message that was rolled back reaches nobody',
  async () => {
    const app = await appThat(
      () => ROLLBACK,
      () => COMMIT,
    );
    const { state } = await app.template.sendMessageInTransaction(topic, { id: 'dropped' });
    expect(state).toBe(ROLLBACK);
    await laterMessageArrives(app);
    expect(seen).toEqual(['later']);
  },
  2 * PATIENCE_MS,
);

test(
  'an unknown outcome is asked for, and the answer counts',
  async () => {
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
    expect(checks).toHaveLength(1);
    const [order, context] = checks[0]!;
    expect(order).toEqual({ id: 'o1' });
    expect(context).toMatchObject({ topic, tags: 'created', keys: ['o1'], msgId });
  },
  2 * PATIENCE_MS,
);

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
