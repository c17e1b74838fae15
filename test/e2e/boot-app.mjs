// Boots an app, empty or with the embedded broker, in a process of its own, from the build. Prints ms of CPU as JSON: of
// loading Nest, of the first boot, module loading included, and of each later one.
const LATER = 8;
const [what, store] = process.argv.slice(2);
const withBroker = what === 'broker';

class App {}

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const beforeNest = cpu();
await import('reflect-metadata');
const { NestFactory } = await import('@nestjs/core');
const nest = cpu() - beforeNest;

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
  return [RocketMQModule.forRoot({ group: 'boot', embedded: { store } })];
};
const first = await boot(load);
const later = [];
for (let at = 0; at < LATER; at++) later.push(await boot(load));
process.stdout.write(JSON.stringify({ nest, first, later }));
