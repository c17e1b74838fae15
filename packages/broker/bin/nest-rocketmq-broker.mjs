#!/usr/bin/env node
// Runs the built command. It is there before the build is, so that npm can link it in a clone.
import { existsSync } from 'node:fs';

const main = new URL('../dist/esm/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main);
} else {
  process.stderr.write(
    'nest-rocketmq-broker: not built yet. Run: npm run build (or npm run broker, which builds first)\n',
  );
  process.exitCode = 1;
}
