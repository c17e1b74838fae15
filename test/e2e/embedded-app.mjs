// Runs a Nest app in a process of its own, from the build. Takes the module's options as JSON, prints 'ready', and ends once
// its standard input has ended and the app is closed.
import 'reflect-metadata';
import { once } from 'node:events';
import { NestFactory } from '@nestjs/core';
import { RocketMQModule } from '../../packages/nest-rocketmq/dist/esm/index.js';

class App {}

const imports = [RocketMQModule.forRoot(JSON.parse(process.argv[2]))];
try {
  const app = await NestFactory.createApplicationContext({ module: App, imports }, { abortOnError: false });
  process.stdout.write('ready\n');
  await once(process.stdin.resume(), 'end');
  await app.close();
  process.stdout.write('closed\n');
} catch (error) {
  process.stdout.write(`failed ${error.message}\n`);
  process.exitCode = 1;
}
