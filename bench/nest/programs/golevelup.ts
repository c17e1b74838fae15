// Runs a Nest app that publishes to RabbitMQ with golevelup's module, confirm by confirm, and subscribes itself.
import { load } from './peer-module.js';
import { Injectable, Module, NestFactory, type Decorator } from './peer-nest.js';
import { payloadOf } from './payload.js';
import { Counter, measureLoad, task } from './task.js';

interface RabbitModule {
  RabbitMQModule: { forRoot(options: object): object };
  RabbitSubscribe(options: object): Decorator;
  AmqpConnection: unknown;
}

const NAME = 'bench-nest';
const { RabbitMQModule, RabbitSubscribe, AmqpConnection } = load<RabbitModule>('@golevelup/nestjs-rabbitmq');
const counter = new Counter();

class Orders {
  async onMessage(): Promise<void> {
    counter.received();
  }
}
Injectable()(Orders);
RabbitSubscribe({ exchange: NAME, routingKey: NAME, queue: NAME, queueOptions: { durable: true } })(
  Orders.prototype,
  'onMessage',
  Object.getOwnPropertyDescriptor(Orders.prototype, 'onMessage'),
);

class App {}
Module({
  imports: [
    RabbitMQModule.forRoot({
      exchanges: [{ name: NAME, type: 'topic' }],
      uri: `amqp://guest:guest@${task.server}`,
      connectionInitOptions: { wait: true },
      prefetchCount: 64,
    }),
  ],
  providers: [Orders],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['warn', 'error'] });
await app.init();
const amqp = app.get<{ publish(exchange: string, key: string, message: unknown, options: object): Promise<unknown> }>(
  AmqpConnection,
);
const payload = payloadOf(task.size);
await measureLoad(counter, () => amqp.publish(NAME, NAME, payload, { persistent: true }), true);
await app.close();
