// Compiles the code of a document as a strict app of a user, with the types and the code that users get, and runs it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from '@jest/globals';

export const root = resolve(import.meta.dirname, '../..');

const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2022',
  strict: true,
  exactOptionalPropertyTypes: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
};

/** The TypeScript blocks of a document, in its order. */
export function blocksOf(page: string): string[] {
  return [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
}

/**
 * Compiles the files in an app of their own and runs the last one. Fails by `expect` unless it compiles, ends with 0 and
 * writes nothing to stderr.
 * @returns what it wrote to stdout
 */
export function runApp(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'compiled-app-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
    const names = Object.keys(files);
    const settings = { compilerOptions: COMPILER_OPTIONS, files: names };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), code);
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    expect(spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' }).stdout).toBe('');
    const env = { ...process.env, NODE_OPTIONS: '', ROCKETMQ_NAME_SERVER: undefined };
    const script = names.at(-1)!.replace(/\.ts$/, '.js');
    const { stdout, stderr, status } = spawnSync(process.execPath, [script], { cwd: folder, encoding: 'utf8', env });
    expect([stderr, status]).toEqual(['', 0]);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
