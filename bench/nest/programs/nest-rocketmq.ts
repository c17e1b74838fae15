// Runs a Nest app that sends to its own listener through its embedded broker, or through one elsewhere.
import 'reflect-metadata';
import { join } from 'node:path';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RocketMQMessageListener, RocketMQModule, RocketMQTemplate } from 'nest-rocketmq';
import { payloadOf } from './payload.js';
import { Counter, measureLoad, task } from './task.js';

const TOPIC = 'bench-nest';
const counter = new Counter();

@Injectable()
@RocketMQMessageListener({ topic: TOPIC, consumerGroup: 'bench-nest' })
class Orders {
  onMessage(_order: Record<string, unknown>): void {
    counter.received();
  }
}

const options = {
  memory: { embedded: { store: 'memory' } },
  disk: { embedded: { store: join(task.folder, 'store') } },
  server: { nameServer: task.server, group: 'bench-nest' },
}[task.mode];

@Module({ imports: [RocketMQModule.forRoot(options)], providers: [Orders] })
class App {}

const app = await NestFactory.createApplicationContext(App, { logger: ['warn', 'error'] });
const template = app.get(RocketMQTemplate);
const payload = payloadOf(task.size);
await measureLoad(counter, () => template.send(TOPIC, payload), true);
await app.close();
