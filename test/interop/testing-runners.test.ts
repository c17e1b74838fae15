// Runs the testing kit, installed from its tarball, under vitest and under node:test. The other tests run it under Jest.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { cleanUp } from './harness/clean-up.js';
import { installPacked, packLibraries, run } from './harness/packed-libraries.js';
import { repositoryRoot } from './harness/paths.js';

jest.setTimeout(300_000);

const [MAJOR = 0] = process.versions.node.split('.').map(Number);
/** Vitest 5 needs Node 22; 3 is the last that runs on Node 20.19, as do our packages. */
const VITEST = MAJOR >= 22 ? '5.1.2' : '3.2.7';
const FILES = ['orders.ts', 'orders.vitest.mjs', 'orders.node.mjs'];

const PACKAGE = {
  name: 'testing-app',
  private: true,
  type: 'module',
  dependencies: {
    '@nestjs/common': '12.5.1',
    '@nestjs/core': '12.5.1',
    '@nestjs/testing': '12.1.1',
    'reflect-metadata': '0.2.2',
    rxjs: '7.8.2',
    vitest: VITEST,
  },
};

const TSCONFIG = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(repositoryRoot, 'node_modules/@types')],
    outDir: 'dist',
  },
  files: ['orders.ts'],
};

let app: string;

beforeAll(async () => {
  const { folder, tarballs } = await packLibraries('runners');
  app = join(folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), JSON.stringify(PACKAGE));
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  for (const file of FILES) copyFileSync(join(repositoryRoot, 'test/interop/testing-app', file), join(app, file));
  writeFileSync(
    join(app, 'vitest.config.mjs'),
    "export default { test: { include: ['*.vitest.mjs'], testTimeout: 60_000, hookTimeout: 60_000 } };\n",
  );
  await installPacked(app, tarballs);
  await run(process.execPath, [join(repositoryRoot, 'node_modules/typescript/bin/tsc'), '-p', app], app);
});

afterAll(cleanUp);

test('it runs under vitest, whose matchers it understands', async () => {
  const lines = await run('npx', ['vitest', 'run', '--reporter=json'], app);
  expect(lines.join('')).toMatch(/"numPassedTests":3,"numFailedTests":0/);
});

test('it runs under node:test', async () => {
  const lines = await run(process.execPath, ['--test', '--test-reporter=tap', 'orders.node.mjs'], app);
  expect(lines).toContain('# pass 3');
});
