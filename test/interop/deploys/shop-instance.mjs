// An instance of a Nest app, in a process of its own: does over HTTP what it is asked to, and prints what its listeners do.
import 'reflect-metadata';
import { setTimeout as wait } from 'node:timers/promises';
import { Inject } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  RocketMQHealth,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  RocketMQTransactionListener,
  getPullConsumerToken,
} from 'nest-rocketmq';

const WORK_MS = 5;

const print = (line) => process.stdout.write(`${JSON.stringify({ at: Date.now(), ...line })}\n`);
const begin = (group, message) => print({ what: 'begin', group, ...message });
const end = (group, message) => print({ what: 'end', group, ...message });

async function work(group, message) {
  begin(group, message);
  await wait(WORK_MS);
  end(group, message);
}

class Listeners {
  constructor(rocketmq) {
    this.rocketmq = rocketmq;
  }
  /** Sends while its instance shuts down, too. */
  async stock(order) {
    await work('stock', order);
    await this.rocketmq.send('audit', order);
  }
  audit(order) {
    end('audit', order);
  }
  ledger(entry) {
    return work('ledger', entry);
  }
  mails(entry) {
    return work('mails', entry);
  }
  remind(reminder) {
    end('remind', reminder);
  }
  booked(booking) {
    end('booked', booking);
  }
  price({ id }) {
    return { id };
  }
}
Inject(RocketMQTemplate)(Listeners, undefined, 0);

function listen(method, topic, consumeMode = 'CONCURRENTLY') {
  const options = { topic, consumerGroup: method, consumeMode, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' };
  const descriptor = Object.getOwnPropertyDescriptor(Listeners.prototype, method);
  RocketMQMessageListener(options)(Listeners.prototype, method, descriptor);
}
listen('stock', 'order');
listen('audit', 'audit');
listen('ledger', 'ledger', 'ORDERLY');
listen('mails', 'ledger', 'KEY_ORDERED');
listen('remind', 'reminder');
listen('booked', 'booking');
listen('price', 'price');

/** Every other booking is decided by a check, which any instance answers. */
class Bookings {
  executeLocalTransaction({ seq }) {
    return seq % 2 ? RocketMQLocalTransactionState.UNKNOWN : RocketMQLocalTransactionState.COMMIT;
  }
  checkLocalTransaction() {
    return RocketMQLocalTransactionState.COMMIT;
  }
}
RocketMQTransactionListener({ topic: 'booking' })(Bookings);

class Report {
  constructor(orders) {
    this.orders = orders;
  }
  async onApplicationBootstrap() {
    this.ended = this.read();
  }
  async read() {
    for await (const { payload } of this.orders) end('report', payload);
  }
}
Inject(getPullConsumerToken('report'))(Report, undefined, 0);

class App {}

const report = { name: 'report', group: 'report', topics: ['order'], consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' };
const options = {
  group: 'shop',
  topics: JSON.parse(process.env.TOPICS),
  pullConsumers: [report],
  // On a busy machine a broker stands still for seconds, too.
  producer: { sendMsgTimeout: '30s', sendMsgMaxTimeoutPerRequest: '30s' },
};
const module = { module: App, imports: [RocketMQModule.forRoot(options)], providers: [Listeners, Bookings, Report] };
const app = await NestFactory.create(module, { abortOnError: false });
app.enableShutdownHooks();
// Nest raises the signal again when the app is closed. As in a container, whose first process that does not end, it ends only
// if nothing is left of it.
process.on('SIGTERM', () => undefined);

const rocketmq = app.get(RocketMQTemplate);
const actions = {
  order: (message) => rocketmq.send('order', message),
  ledger: (message) => rocketmq.send('ledger', message, { shardingKey: message.key }),
  remind: (message) => rocketmq.send('reminder', message, { delay: '1s' }),
  async book(message) {
    const { error } = await rocketmq.sendMessageInTransaction('booking', message);
    if (error) throw error;
  },
  async ask(message) {
    const answer = await rocketmq.request('price', message, { timeout: '60s' });
    if (answer.id !== message.id) throw new Error(`${message.id} was answered ${answer.id}`);
  },
};

const http = app.getHttpAdapter();
http.get('/ready', async (_request, response) => {
  const health = await app.get(RocketMQHealth).check();
  response.status(health.status === 'up' ? 200 : 503).json(health);
});
http.get('/do', async (request, response) => {
  const message = JSON.parse(request.query.message);
  try {
    await actions[message.kind](message);
    response.json({});
  } catch (error) {
    response.status(500).json({ error: `${message.kind}: ${String(error)}` });
  }
});
await app.listen(0, '127.0.0.1');
print({ what: 'ready', port: app.getHttpServer().address().port });
