// Compiles bench/ (and the interop harness, which starts the servers) into .cache/bench, and runs one file of it.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string} file a compiled file, relative to bench/ */
export async function launch(file) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const compiled = spawnSync(process.execPath, [compiler, '-p', join(root, 'bench')], { stdio: 'inherit' });
  if (compiled.status !== 0) process.exit(compiled.status ?? 1);
  await import(pathToFileURL(join(root, '.cache/bench/bench', file)).href);
}
