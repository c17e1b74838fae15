// Tests that what documents name and link to exists.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** As GitHub names the headings of a page. */
function anchorsOf(path: string): string[] {
  const code = readFileSync(path, 'utf8').replaceAll(/^```.*?^```/gms, '');
  return [...code.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('a link within the repository', () => {
  const pages = [
    ...readdirSync(root).filter((file) => file.endsWith('.md')),
    ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`),
    ...files.filter((file) => file.endsWith('.md') && !file.includes('/.')),
  ];

  it.each(pages)('has its page and heading: %s', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replaceAll(/^```.*?^```/gms, '');
    const dead = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].filter(([, path, anchor]) => {
      const target = path === '' ? join(root, page) : join(root, dirname(page), path!);
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
    expect(dead.map(([link]) => link)).toEqual([]);
  });
});

it('the contents of the README of the Nest module name each of its headings', () => {
  const page = join(root, 'packages/nest-rocketmq/README.md');
  const [, contents] = /^## Contents\n(.*?)^## /ms.exec(readFileSync(page, 'utf8'))!;
  const linked = [...contents!.matchAll(/\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
  expect(linked).toEqual(anchorsOf(page).slice(2));
});
