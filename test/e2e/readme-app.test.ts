// Compiles and runs the app that README.md begins with, and its test. Needs the build.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { blocksOf, root, runApp } from './compiled-app.js';

const blocks = blocksOf(readFileSync(join(root, 'README.md'), 'utf8'));

test("README.md's first app and the test of it compile in a strict app, and run", () => {
  const app = blocks.find((code) => code.includes('class AppModule'))!;
  const spec = blocks.find((code) => code.includes('rocketMQTesting()'))!;
  const ready = `import { AppModule, CancelUnpaidOrder, Orders } from './app.js';\n${spec}\nconsole.log('consumed');\n`;
  const stdout = runApp({ 'app.ts': `import 'reflect-metadata';\n${app}`, 'check.ts': ready });
  expect(stdout).toMatch(/^consumed$/m);
});
