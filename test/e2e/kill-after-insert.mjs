// Loaded before the sample app (node --import) by sample-kill.test.ts: the process dies by SIGKILL after the local
// transaction has committed the order in the database, and before the broker is told.
import { OrderTransactions } from '../../sample-app/dist/orders/order-transactions.js';

const execute = OrderTransactions.prototype.executeLocalTransaction;

OrderTransactions.prototype.executeLocalTransaction = async function (...args) {
  await execute.apply(this, args);
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
};
