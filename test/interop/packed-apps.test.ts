// Installs the packed libraries as users do, in apps outside the workspace: on both versions of Nest, in both module formats,
// compiled strictly with the libraries' types, and run by Node. Needs the build and the npm registry.
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { BOOT_PROGRAM } from '../e2e/boots.js';
import { cleanUp } from './harness/clean-up.js';
import { firstBoot } from './harness/first-boot.js';
import { OTHER_NODES, nodeBinary } from './harness/node-versions.js';
import { LIBRARIES } from './harness/package-clone.js';
import { installPacked, packLibraries, run } from './harness/packed-libraries.js';
import { repositoryRoot } from './harness/paths.js';

jest.setTimeout(300_000);

const binary = (name: string): string => join(repositoryRoot, 'node_modules/.bin', name);
/** The last line of compilers that know moduleResolution node10, which Nest's own starter had until its version 11. */
const COMPILER_WITH_NODE10 = 'typescript@5.9.3';
const COMPILER = join(repositoryRoot, 'node_modules/typescript/bin/tsc');

/**
 * What the first boot with the embedded broker may take more than an empty app, in times of what loading Nest takes in the
 * same processes. Measured, in ms of CPU: 63 to 81 of 250 to 300 on Nest 12, 83 to 98 of 120 to 140 on Nest 11, which has
 * fewer modules to load. With a file for each module it was 260 to 300, and 155 to 170.
 */
const MOST_FIRST_BOOT = { import: 0.36, require: 0.85 } as const;

const TSCONFIG = {
  compilerOptions: {
    // CommonJS or ES modules: as the app's package.json says.
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    // The libraries' own types are compiled too.
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(repositoryRoot, 'node_modules/@types')],
    outDir: 'dist',
  },
  files: ['app.ts', 'enhancers.ts', 'neighbours.ts', 'types.ts'],
};

/** Optional peers, whose doors the app imports too. */
const NEIGHBOURS = {
  11: {
    '@nestjs/cqrs': '11.0.3',
    '@nestjs/microservices': '11.2.6',
    '@nestjs/terminus': '11.0.0',
    '@opentelemetry/api': '1.9.1',
  },
  12: {
    '@nestjs/cqrs': '12.0.0',
    '@nestjs/microservices': '12.1.1',
    '@nestjs/terminus': '12.1.0',
    '@opentelemetry/api': '1.9.1',
  },
} as const;

/** The public doors: for each, a file of the app that imports everything from it. */
const DOORS = [
  { file: 'nest-rocketmq.ts', door: 'nest-rocketmq/src/index.ts', from: 'nest-rocketmq' },
  { file: 'testing.ts', door: 'nest-rocketmq/src/testing/index.ts', from: 'nest-rocketmq/testing' },
  { file: 'opentelemetry.ts', door: 'nest-rocketmq/src/opentelemetry/index.ts', from: 'nest-rocketmq/opentelemetry' },
  { file: 'terminus.ts', door: 'nest-rocketmq/src/terminus/index.ts', from: 'nest-rocketmq/terminus' },
  { file: 'microservices.ts', door: 'nest-rocketmq/src/microservices/index.ts', from: 'nest-rocketmq/microservices' },
  { file: 'cqrs.ts', door: 'nest-rocketmq/src/cqrs/index.ts', from: 'nest-rocketmq/cqrs' },
  { file: 'outbox.ts', door: 'nest-rocketmq/src/outbox/index.ts', from: 'nest-rocketmq/outbox' },
  { file: 'idempotency.ts', door: 'nest-rocketmq/src/idempotency/index.ts', from: 'nest-rocketmq/idempotency' },
  { file: 'client.ts', door: 'client/src/index.ts', from: '@nest-rocketmq/client' },
  { file: 'remoting.ts', door: 'remoting/src/index.ts', from: '@nest-rocketmq/remoting' },
  { file: 'broker.ts', door: 'broker/src/index.ts', from: '@nest-rocketmq/broker' },
];

/** A file that imports all that a public door exports, and exports it again. */
function importOfAll(door: string, from: string): string {
  const text = readFileSync(join(repositoryRoot, 'packages', door), 'utf8');
  const lines = [...text.matchAll(/^export (type )?\{([^}]*)\}/gm)].map(([, type = '', names]) => {
    const list = names!.replaceAll(/\s+/g, ' ');
    return `export ${type}{${list}} from '${from}';`;
  });
  if (lines.length === 0) throw new Error(`${door} exports nothing`);
  return `${lines.join('\n')}\n`;
}

let folder: string;
let tarballs: string[];

beforeAll(async () => {
  ({ folder, tarballs } = await packLibraries('packed'));
});

afterAll(cleanUp);

/** A new folder with the app, the packed libraries and this Nest. */
async function installApp(type: 'commonjs' | 'module', nest: string, name = `nest-${nest}`): Promise<string> {
  const app = join(folder, name);
  mkdirSync(app);
  const dependencies = {
    '@nestjs/common': nest,
    '@nestjs/core': nest,
    ...NEIGHBOURS[nest.startsWith('11') ? 11 : 12],
    'reflect-metadata': '0.2.2',
    rxjs: '7.8.2',
  };
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'packed-app', private: true, type, dependencies }));
  const files = [...TSCONFIG.files, ...DOORS.map(({ file }) => file)];
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ ...TSCONFIG, files }));
  for (const file of TSCONFIG.files)
    copyFileSync(join(repositoryRoot, 'test/interop/packed-app', file), join(app, file));
  for (const { file, door, from } of DOORS) writeFileSync(join(app, file), importOfAll(door, from));
  await installPacked(app, tarballs);
  return app;
}

const apps = new Map<string, Promise<string>>();

/** As `installApp`, once. */
function appOn(type: 'commonjs' | 'module', nest: string): Promise<string> {
  const app = apps.get(nest) ?? installApp(type, nest);
  apps.set(nest, app);
  return app;
}

const ON_NEST_11 = ['Nest 11 in CommonJS', 'commonjs', '11.2.10'] as const;
const ON_NEST_12 = ['Nest 12 in ES modules', 'module', '12.5.1'] as const;

test.each([ON_NEST_11, ON_NEST_12])(
  'an app on %s compiles, sends, listens, commits, turns the clock, works with its neighbours and ends',
  async (_what, type, nest) => {
    const app = await appOn(type, nest);
    await run(process.execPath, [COMPILER, '-p', app], app);
    // The process ends by itself, so a closed app leaves no handle open.
    const lines = await run(process.execPath, ['dist/app.js'], app);
    expect(lines.at(-1)).toBe('closed');
    expect(lines.toSorted()).toEqual([
      'closed',
      'local transaction o2',
      'order-cancel o3',
      'order:created o1',
      'payment o2',
      'sent SEND_OK',
      'transaction COMMIT',
    ]);
    const enhanced = await run(process.execPath, ['dist/enhancers.js'], app);
    expect(enhanced).toEqual([
      'decorators: 24 denied of 24, 24 seen by a filter, 0 called',
      'APP_*: 6 denied of 6, 6 seen by a filter, 0 called',
      'late 7, 1 piped',
      'closed',
    ]);
    expect(await run(process.execPath, ['dist/neighbours.js'], app)).toEqual([
      'event o1',
      'dead letter: Error: no such customer',
      'sum 6',
      'no sum: {"status":"error","message":"no numbers"}',
      'event bus: OrderPaid o2',
      'health ok: rocketmq up',
      'closed',
    ]);
    const both = join(app, 'both-formats.mjs');
    copyFileSync(join(repositoryRoot, 'test/interop/packed-app/both-formats.mjs'), both);
    expect(await run(process.execPath, [both], app)).toEqual(['all hold']);
    // Every value that the doors export is there at run time, in this module format.
    for (const { file } of DOORS) await run(process.execPath, [`dist/${file.replace('.ts', '.js')}`], app);
  },
);

test.each(OTHER_NODES)(
  'the compiled app starts, works and ends on Node %s too, on both versions of Nest',
  async (version) => {
    for (const [, type, nest] of [ON_NEST_11, ON_NEST_12]) {
      const app = await appOn(type, nest);
      await run(process.execPath, [COMPILER, '-p', app], app);
      const lines = await run(await nodeBinary(version), ['dist/app.js'], app);
      expect([lines.length, lines.at(-1)]).toEqual([7, 'closed']);
    }
  },
);

test.each([
  [...ON_NEST_12, 'import', MOST_FIRST_BOOT.import],
  [...ON_NEST_11, 'require', MOST_FIRST_BOOT.require],
] as const)('the first boot of an app on %s takes little more with the embedded broker', async (...row) => {
  const [, type, nest, format, most] = row;
  const app = await appOn(type, nest);
  const program = join(app, 'boot-app.mjs');
  copyFileSync(BOOT_PROGRAM, program);
  const boot = firstBoot(program, format, join(app, 'boot-store'));
  expect(boot.more / boot.nest).toBeLessThan(most);
});

test('what is installed has no source map, and no link to one', async () => {
  const app = await installApp('module', '12.5.1', 'no-maps');
  for (const library of ['nest-rocketmq', ...LIBRARIES.slice(0, 3).map((name) => `@nest-rocketmq/${name}`)]) {
    const installed = join(app, 'node_modules', library);
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => file.endsWith('.map'))).toEqual([]);
    const code = files.filter((file) => /\.(?:js|d\.ts)$/.test(file));
    expect(code.length).toBeGreaterThan(10);
    for (const file of code) expect(readFileSync(join(installed, file), 'utf8')).not.toContain('sourceMappingURL');
  }
});

test("an app whose compiler resolves modules as Node 10 did finds the types, the testing kit's too", async () => {
  const app = await installApp('commonjs', '11.2.10', 'node10');
  const tsconfig = JSON.parse(readFileSync(join(app, 'tsconfig.json'), 'utf8')) as typeof TSCONFIG;
  const compilerOptions = {
    ...TSCONFIG.compilerOptions,
    module: 'commonjs',
    moduleResolution: 'node10',
  };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ ...tsconfig, compilerOptions }));
  await run('npx', ['-y', '-p', COMPILER_WITH_NODE10, 'tsc', '-p', app], app);
  expect((await run(process.execPath, ['dist/app.js'], app)).at(-1)).toBe('closed');
});

test('publint finds no fault in any of the packages', async () => {
  for (const tarball of tarballs) await run(binary('publint'), ['--strict', tarball], folder);
});

test('are-the-types-wrong finds the types of each door in every way to resolve modules', async () => {
  for (const tarball of tarballs) await run(binary('attw'), ['--no-color', '--format', 'ascii', tarball], folder);
});

test('every public door is compiled and loaded in the apps', () => {
  const doors = LIBRARIES.flatMap((library) => {
    const { name, exports } = JSON.parse(
      readFileSync(join(repositoryRoot, 'packages', library, 'package.json'), 'utf8'),
    ) as { name: string; exports: Record<string, unknown> };
    return Object.keys(exports).map((door) => name + door.slice(1));
  });
  const isOwn = (door: string): boolean => /\/(?:internal|package\.json)$/.test(door);
  // The errors are exported again by nest-rocketmq.
  const others = doors.filter((door) => !isOwn(door) && door !== '@nest-rocketmq/broker/errors');
  expect(DOORS.map(({ from }) => from).toSorted()).toEqual(others.toSorted());
});
