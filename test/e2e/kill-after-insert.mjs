// Kills the sample app, into which a test loads it (node --import): by SIGKILL, after the database transaction of an event has
// committed and before the broker is told. The event is the one in KILL_AT: created, paid, shipped or cancelled.
import { OrderEvents } from '../../sample-app/dist/orders/order-events.js';

const { KILL_AT = 'created' } = process.env;
const publish = OrderEvents.prototype.publish;

OrderEvents.prototype.publish = function (topic, event, work) {
  if (topic.tag !== KILL_AT) return publish.call(this, topic, event, work);
  return publish.call(this, topic, event, async (message) => {
    await work(message);
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  });
};
