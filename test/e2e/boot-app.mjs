// Boots an app, empty or with the embedded broker, in a process of its own. It takes Nest and nest-rocketmq from where this
// file lies, as ES modules or as CommonJS. Prints ms of CPU as JSON: of loading Nest, of the first boot, module loading
// included, and of each later one.
import { createRequire } from 'node:module';

const LATER = 8;
const [what, format, store] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const load = format === 'require' ? require : (id) => import(id);

class App {}

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const beforeNest = cpu();
await load('reflect-metadata');
const { NestFactory } = await load('@nestjs/core');
const nest = cpu() - beforeNest;

async function boot() {
  const began = cpu();
  const imports = [];
  if (what === 'broker') {
    const { RocketMQModule } = await load('nest-rocketmq');
    imports.push(RocketMQModule.forRoot({ group: 'boot', embedded: { store } }));
  }
  const app = await NestFactory.createApplicationContext({ module: App, imports }, { logger: false });
  const took = cpu() - began;
  await app.close();
  return took;
}

const first = await boot();
const later = [];
for (let at = 0; at < LATER; at++) later.push(await boot());
process.stdout.write(JSON.stringify({ nest, first, later }));
