// Runs a Nest app with nestjs-cls in a process of its own, from the build. Takes 'interceptor' or 'guard', and prints as JSON
// what each log line of the listener knew: the id of its message, and the one in the context.
import 'reflect-metadata';
import { Inject } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClsModule, ClsService } from 'nestjs-cls';
import { lastValueFrom, take, filter } from 'rxjs';
import {
  RocketMQListeners,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  isRocketMQContext,
  switchToRocketMQ,
} from '../../packages/nest-rocketmq/dist/esm/index.js';

const MESSAGES = 5;
const lines = [];

class Log {
  constructor(cls) {
    this.cls = cls;
  }
  log(message) {
    lines.push([message, this.cls.get('msgId')]);
  }
}
Inject(ClsService)(Log, undefined, 0);

class Orders {
  constructor(logger) {
    this.logger = logger;
  }
  async take(order, { msgId }) {
    this.logger.log(msgId);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => process.nextTick(resolve));
    this.logger.log(msgId);
  }
}
Inject(Log)(Orders, undefined, 0);
RocketMQMessageListener({ topic: 'order' })(
  Orders.prototype,
  'take',
  Object.getOwnPropertyDescriptor(Orders.prototype, 'take'),
);

/** As the README shows it. */
const setup = (cls, host) => {
  if (isRocketMQContext(host)) cls.set('msgId', switchToRocketMQ(host).getContext()?.msgId);
};

class App {}
const imports = [
  RocketMQModule.forRoot({ embedded: { store: 'memory' }, group: 'cls' }),
  ClsModule.forRoot({ global: true, [process.argv[2]]: { mount: true, setup } }),
];
const module = { module: App, imports, providers: [Orders, Log] };
const app = await NestFactory.createApplicationContext(module, { abortOnError: false, logger: ['error'] });
const consumed = filter(({ type }) => type === 'consumed');
const all = lastValueFrom(app.get(RocketMQListeners).events.pipe(consumed, take(MESSAGES)));
await Promise.all(Array.from({ length: MESSAGES }, (_, id) => app.get(RocketMQTemplate).send('order', { id })));
await all;
await app.close();
process.stdout.write(JSON.stringify(lines));
