// Tests that the connection closes its backend once.
import { expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { EmbeddedBackend } from './backends/embedded-backend.js';
import type { ListenerExplorer } from './discovery/listener-explorer.js';
import { resolveOptions } from './options/rocketmq.options.js';
import { RocketMQConnection } from './rocketmq-connection.js';
import { TransactionListeners } from './transactions/transaction-listeners.js';

Logger.overrideLogger(false);

test('a backend is stopped once, however often the app is closed', async () => {
  const backend = new EmbeddedBackend({ store: 'memory' }, new Logger('test'));
  let stops = 0;
  const stop = backend.stop.bind(backend);
  backend.stop = () => (stops++, stop());
  const options = resolveOptions({ group: 'app', backend }, {});
  const explorer = { transactionListeners: () => Promise.resolve([]) } as unknown as ListenerExplorer;
  const connection = new RocketMQConnection(backend, options, new TransactionListeners(explorer, options));
  await connection.client();
  await Promise.all([connection.close(), connection.close()]);
  await connection.close();
  expect(stops).toBe(1);
});
