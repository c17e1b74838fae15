import { describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ListenerExplorer } from '../discovery/listener-explorer.js';
import { RocketMQLocalTransactionState } from '../decorators/listener-metadata.js';
import type { RocketMQLocalTransactionListener } from '../decorators/listener-metadata.js';
import { resolveOptions } from '../options/rocketmq.options.js';
import type { DiscoveredTransactionListener } from '../discovery/transaction-host.js';
import type { TransactionLog } from '../transaction-log/transaction-log.js';
import { TransactionListeners } from './transaction-listeners.js';
import type { TransactionCall } from './transaction-listeners.js';

Logger.overrideLogger(false);

const { COMMIT, ROLLBACK, UNKNOWN } = RocketMQLocalTransactionState;
const HALF = { topic: 'orders', body: '{}', transactionId: 'TX', keys: 'k', tags: 'created' };
const CHECK = {
  topic: 'orders',
  body: Buffer.from('{"id":1}'),
  properties: new Map(),
  msgId: 'TX',
} as unknown as MessageExt;

function discovered(
  name: string,
  topic: string | string[],
  listener: Partial<RocketMQLocalTransactionListener>,
): DiscoveredTransactionListener {
  return { name, options: { topic }, instance: listener as RocketMQLocalTransactionListener };
}

async function listeners(...found: DiscoveredTransactionListener[]): Promise<TransactionListeners> {
  const explorer = { transactionListeners: () => Promise.resolve(found) } as unknown as ListenerExplorer;
  const all = new TransactionListeners(explorer, resolveOptions({ group: 'app' }, {}));
  await all.discover();
  return all;
}

describe('the local transaction', () => {
  test.each([
    [COMMIT, 'COMMIT_MESSAGE'],
    [ROLLBACK, 'ROLLBACK_MESSAGE'],
    [UNKNOWN, 'UNKNOW'],
  ])('%s is told to the broker as %s', async (state, wire) => {
    const all = await listeners(discovered('Tx', 'orders', { executeLocalTransaction: () => state }));
    await expect(all.executeLocalTransaction(HALF, { payload: 1, arg: undefined })).resolves.toBe(wire);
  });

  test('is given the payload as it was sent, and the context', async () => {
    let given: unknown[] = [];
    const all = await listeners(
      discovered('Tx', 'orders', { executeLocalTransaction: (...args) => ((given = args), COMMIT) }),
    );
    const payload = { at: new Date(0) };
    await all.executeLocalTransaction(HALF, { payload, arg: 'arg' });
    expect(given[0]).toBe(payload);
    expect(given[1]).toEqual({ topic: 'orders', tags: 'created', keys: ['k'], transactionId: 'TX', arg: 'arg' });
  });

  test.each<[string, () => RocketMQLocalTransactionState]>([
    [
      'throws',
      () => {
        throw new Error('database down');
      },
    ],
    ['returns nothing', () => undefined as never],
    ['returns something else', () => 'COMMITTED' as never],
  ])('that %s leaves the outcome unknown, and the sender learns why', async (_what, executeLocalTransaction) => {
    const call: TransactionCall = { payload: 1, arg: undefined };
    const all = await listeners(discovered('Tx', 'orders', { executeLocalTransaction }));
    await expect(all.executeLocalTransaction(HALF, call)).resolves.toBe('UNKNOW');
    expect(call.error).toBeInstanceOf(Error);
  });
});

describe('a check', () => {
  test('is answered by the listener of its topic, with the payload read from the message', async () => {
    const all = await listeners(
      discovered('Other', 'payments', { checkLocalTransaction: () => ROLLBACK }),
      discovered('Tx', ['orders', 'more'], {
        checkLocalTransaction: (payload) => (expect(payload).toEqual({ id: 1 }), COMMIT),
      }),
    );
    expect(all.topics).toEqual(['payments', 'orders', 'more']);
    await expect(all.checkLocalTransaction(CHECK)).resolves.toBe('COMMIT_MESSAGE');
  });

  test.each<[string, Partial<MessageExt>]>([
    ['a topic that this process does not know', { topic: 'elsewhere' }],
    ['a body that it cannot read', { body: Buffer.from('<xml/>') }],
    ['a database that is down', {}],
  ])('of %s is never a rollback', async (_what, fields) => {
    const all = await listeners(
      discovered('Tx', 'orders', { checkLocalTransaction: () => Promise.reject(new Error('down')) }),
    );
    await expect(all.checkLocalTransaction({ ...CHECK, ...fields } as MessageExt)).resolves.toBe('UNKNOW');
  });
});

test('what has thrown on a topic with a class is left to the class, whatever the log says', async () => {
  const transactionLog = { record: () => Promise.resolve(), hasCommitted: () => Promise.resolve(false) };
  const explorer = {
    transactionListeners: () => Promise.resolve([discovered('Tx', 'orders', {})]),
  } as unknown as ListenerExplorer;
  const all = new TransactionListeners(explorer, resolveOptions({ group: 'app', transactionLog }, {}));
  await all.discover();
  await expect(all.isCommitted('orders', 'TX')).resolves.toBeUndefined();
  await expect(all.isCommitted('payments', 'TX')).resolves.toBe(false);
});

test('two classes for one topic are refused by name', async () => {
  await expect(listeners(discovered('A', 'orders', {}), discovered('B', 'orders', {}))).rejects.toThrow(
    /A and B both decide .* 'orders'/,
  );
});

test('a topic that nobody decides is refused with what to do', async () => {
  const all = await listeners(discovered('A', 'orders', {}));
  expect(() => all.requireTopic('payments')).toThrow(
    /'payments' in this app \(there are: orders\).*@RocketMQTransactionListener/,
  );
});

test('on a cluster, a transaction listener needs a named group: the broker asks any producer of it', async () => {
  const explorer = { transactionListeners: () => [discovered('Tx', 'orders', {})] } as unknown as ListenerExplorer;
  const all = new TransactionListeners(explorer, resolveOptions({ nameServer: 'mq:9876' }, {}));
  await expect(all.discover()).rejects.toThrow(
    /^Tx has no group on the cluster mq:9876\. Name this service: .*group: '/,
  );
  const named = new TransactionListeners(explorer, resolveOptions({ nameServer: 'mq:9876', group: 'shop' }, {}));
  await named.discover();
  expect(named.topics).toEqual(['orders']);
});

describe('a transaction without a class', () => {
  const none = { transactionListeners: () => Promise.resolve([]) } as unknown as ListenerExplorer;
  const log = (answer: () => boolean): TransactionLog => ({
    record: () => Promise.resolve(),
    hasCommitted: async () => answer(),
  });
  const withLog = (transactionLog: TransactionLog): TransactionListeners =>
    new TransactionListeners(none, resolveOptions({ group: 'app', transactionLog }, {}));

  test.each([
    [true, 'COMMIT_MESSAGE'],
    [false, 'ROLLBACK_MESSAGE'],
  ])('is checked in the log: %p', async (committed, wire) => {
    await expect(withLog(log(() => committed)).checkLocalTransaction(CHECK)).resolves.toBe(wire);
  });

  test('is of unknown end while the log has no answer', async () => {
    const all = withLog(
      log(() => {
        throw new Error('database down');
      }),
    );
    await expect(all.checkLocalTransaction(CHECK)).resolves.toBe('UNKNOW');
    await expect(all.isCommitted('orders', 'TX')).resolves.toBeUndefined();
  });

  test('is asked about by every broker that stores half messages', () => {
    expect(withLog(log(() => true)).topics).toEqual(['RMQ_SYS_TRANS_HALF_TOPIC']);
  });

  test('is warned of once for each topic when there is no log: nobody would answer', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const all = new TransactionListeners(none, resolveOptions({ group: 'app' }, {}));
    for (const topic of ['orders', 'orders', 'payments']) all.prepareForChecks(topic, 'RocketMQTemplate.transaction');
    expect(warn.mock.calls.map(([line]) => /topic '(\w+)'/.exec(String(line))?.[1])).toEqual(['orders', 'payments']);
    warn.mockRestore();
  });

  test('and a log on a cluster without a named group are refused at the start', async () => {
    const transactionLog = log(() => true);
    const all = new TransactionListeners(none, resolveOptions({ nameServer: 'mq:9876', transactionLog }, {}));
    await expect(all.discover()).rejects.toThrow(/^option transactionLog has no group on the cluster mq:9876/);
  });

  test('needs a named group on a cluster, as a listener does', () => {
    const all = new TransactionListeners(none, resolveOptions({ nameServer: 'mq:9876' }, {}));
    expect(() => all.prepareForChecks('orders', 'RocketMQTemplate.transaction')).toThrow(
      /^RocketMQTemplate\.transaction has no group on the cluster mq:9876/,
    );
  });
});
