import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  limitOptionsInterface,
  limitTables,
  optionsInterface,
  optionsPage,
  withLimitTables,
} from '../../test-kit/option-docs.js';

const pathOf = (path: string): URL => new URL(path, import.meta.url);
const read = (path: string): string => (existsSync(pathOf(path)) ? readFileSync(pathOf(path), 'utf8') : '');

describe('what is told of the options elsewhere than in their rows', () => {
  it.each([
    ['broker-options.ts', './broker-options.ts', optionsInterface],
    ['limit-options.ts', './limit-options.ts', limitOptionsInterface],
    ['docs/broker-options.md', '../../../../docs/broker-options.md', optionsPage],
    ['LIMITS.md', '../../../../LIMITS.md', () => withLimitTables(read('../../../../LIMITS.md'))],
  ])('%s is as UPDATE_DOCS=1 would write it', (_name, path, write) => {
    if (process.env['UPDATE_DOCS']) writeFileSync(pathOf(path), write());
    expect(read(path)).toBe(write());
  });

  it('LIMITS.md has a table in each of its chapters', () => {
    const page = read('../../../../LIMITS.md');
    for (const [chapter, table] of limitTables()) expect(page).toContain(`## ${chapter}\n${table}`);
  });
});
