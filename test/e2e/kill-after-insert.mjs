// Kills the sample app, into which sample-kill.test.ts loads it (node --import): by SIGKILL, after the local transaction has
// committed the order and before the broker is told.
import { OrderTransactions } from '../../sample-app/dist/orders/order-transactions.js';

const execute = OrderTransactions.prototype.executeLocalTransaction;

OrderTransactions.prototype.executeLocalTransaction = async function (...args) {
  await execute.apply(this, args);
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
};
