// Compiles each TypeScript block of the READMEs and of docs/, all in one strict app, with the types that users get. Needs the
// build.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from './compiled-app.js';
import { fileOf, tsBlocks } from './document-blocks.js';

const PAGES = [
  'README.md',
  ...['remoting', 'client', 'broker', 'nest-rocketmq'].map((library) => `packages/${library}/README.md`),
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
];

const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2022',
  lib: ['es2022'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  isolatedModules: true,
  skipLibCheck: true,
  noEmit: true,
  types: ['node'],
};

test('every example of the READMEs and of docs/ compiles in a strict app', () => {
  const folder = mkdtempSync(join(tmpdir(), 'documents-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
    copyFileSync(join(root, 'test/fixtures/documents/globals.ts'), join(folder, 'globals.ts'));
    const blocks = PAGES.flatMap((page) =>
      tsBlocks(readFileSync(join(root, page), 'utf8')).map((block) => ({ page, ...block })),
    );
    expect(blocks.length).toBeGreaterThan(60);
    for (const { page, ...block } of blocks)
      writeFileSync(join(folder, `${page.replaceAll('/', '_')}.${block.line}.ts`), fileOf(block));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', '.'], { cwd: folder, encoding: 'utf8' });
    expect(stdout).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
