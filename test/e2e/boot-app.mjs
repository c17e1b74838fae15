// Boots an app, empty or with the embedded broker, in a process of its own, from the build. Prints ms of CPU as JSON: of the
// first boot, module loading included, and of each later one.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';

const LATER = 8;
const withBroker = process.argv[2] === 'broker';

class App {}

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

async function boot(modules) {
  const began = cpu();
  const app = await NestFactory.createApplicationContext({ module: App, imports: await modules() }, { logger: false });
  const took = cpu() - began;
  await app.close();
  return took;
}

const load = async () => {
  if (!withBroker) return [];
  const { RocketMQModule } = await import('../../packages/nest-rocketmq/dist/esm/index.js');
  return [RocketMQModule.forRoot({ group: 'boot', embedded: { store: 'memory' } })];
};
const first = await boot(load);
const later = [];
for (let at = 0; at < LATER; at++) later.push(await boot(load));
process.stdout.write(JSON.stringify({ first, later }));
