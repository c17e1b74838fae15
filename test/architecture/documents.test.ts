// Tests that the files which documents name exist.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from './sources.js';

const DOCUMENTS = ['test/crash/FAULTS.md', 'COMPATIBILITY.md', 'LIMITS.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'];

const files = ['packages', 'test', 'sample-app', 'bench'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => !/(^|[/\\])(node_modules|dist)[/\\]/.test(path))
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`),
);

describe('a test that a document names', () => {
  it.each(DOCUMENTS)('exists: %s', (document) => {
    const text = readFileSync(join(root, document), 'utf8');
    const named = [...text.matchAll(/`([\w./-]+\.test\.ts)`/g)].map(([, name]) => name!);
    const missing = named.filter((name) => !files.some((file) => file === name || file.endsWith(`/${name}`)));
    expect(missing).toEqual([]);
  });
});
