// Tests what a microservice's server and client tell of their connection, when it is lost and comes back.
import 'reflect-metadata';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Controller, Logger } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { RocketMQListeners, RocketMQModule, RocketMQTemplate } from 'nest-rocketmq';
import { RocketMQClientProxy, RocketMQServer } from 'nest-rocketmq/microservices';
import type { RocketMQStatus } from 'nest-rocketmq/microservices';
import { RocketMQTemplateFake } from 'nest-rocketmq/testing';
import { Breakable } from './breakable-backend.js';

@Controller()
class Handlers {
  @EventPattern('order')
  take(_event: unknown): void {}
}

let module: TestingModule | undefined;
beforeEach(() => Logger.overrideLogger(false));
afterEach(async () => module?.close());

function followed(source: RocketMQServer | RocketMQClientProxy): RocketMQStatus[] {
  const statuses: RocketMQStatus[] = [];
  source.status.subscribe((status) => statuses.push(status));
  return statuses;
}

/** Cuts the broker off until it is noticed, and lets the app come back. */
async function away(backend: Breakable, statuses: readonly RocketMQStatus[]): Promise<void> {
  backend.cut();
  for (let at = 0; at < 10 && statuses.at(-1) !== 'reconnecting'; at++) {
    await backend.clock.advance('10s', { wait: false });
  }
  backend.isCut = false;
  for (let at = 0; at < 10 && statuses.at(-1) !== 'connected'; at++) {
    await backend.clock.advance('10s', { wait: false });
  }
}

const LOST_AND_BACK = ['connecting', 'connected', 'reconnecting', 'connected', 'disconnected'];

test('over a connection of its own: reconnecting, and connected again', async () => {
  const backend = new Breakable();
  const server = new RocketMQServer({ backend, group: 'g', shutdownTimeout: 0, topics: [{ name: 'order' }] });
  const statuses = followed(server);
  module = await Test.createTestingModule({ controllers: [Handlers] }).compile();
  const microservice = module.createNestMicroservice({ strategy: server });
  await microservice.listen();
  await away(backend, statuses);
  await microservice.close();
  module = undefined;
  expect(statuses).toEqual(LOST_AND_BACK);
});

test("over the app's own connection: server and client tell the same, and that the app has closed", async () => {
  const backend = new Breakable();
  const rocketmq = RocketMQModule.forRoot({ backend, group: 'g', shutdownTimeout: 0 });
  module = await Test.createTestingModule({ imports: [rocketmq], controllers: [Handlers] }).compile();
  const app = module.createNestApplication();
  const server = new RocketMQServer({ listeners: module.get(RocketMQListeners) });
  const client = new RocketMQClientProxy({ template: module.get(RocketMQTemplate) });
  const [ofServer, ofClient] = [followed(server), followed(client)];
  app.connectMicroservice({ strategy: server });
  await app.startAllMicroservices();
  await client.connect();
  // The app has not bootstrapped: nothing is connected yet.
  expect([ofServer, ofClient]).toEqual([['connecting'], ['connecting']]);
  await app.init();
  await firstValueFrom(client.emit('order', 1));
  await away(backend, ofServer);
  await app.close();
  module = undefined;
  expect([ofServer, ofClient]).toEqual([LOST_AND_BACK, LOST_AND_BACK]);
});

test('a client with a template that is a fake is connected', async () => {
  const client = new RocketMQClientProxy({ template: new RocketMQTemplateFake() });
  const statuses = followed(client);
  await client.connect();
  expect(statuses).toEqual(['connecting', 'connected']);
});

test('of a server that is closed while it opens its connection: that is closed, too', async () => {
  const server = new RocketMQServer({ backend: new Breakable(), group: 'g', shutdownTimeout: 0 });
  const statuses = followed(server);
  const listening = server.listen(() => undefined);
  await server.close();
  await listening;
  expect(statuses).toEqual(['connecting', 'connected', 'disconnected']);
  expect(() => server.unwrap()).toThrow(/after the microservice has begun to listen/);
});
