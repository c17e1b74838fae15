// Kills the sample app, into which sample-kill.test.ts loads it (node --import): by SIGKILL, after the database transaction has
// committed the order and before the broker is told.
import { OrderEvents } from '../../sample-app/dist/orders/order-events.js';

const publish = OrderEvents.prototype.publish;

OrderEvents.prototype.publish = function (name, event, work) {
  return publish.call(this, name, event, async (message) => {
    await work(message);
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  });
};
