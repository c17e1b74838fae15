import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Namespace, checkNamespaces } from './namespace.js';

/** What Java's own NamespaceUtil made: see test/fixtures/namespace/README.md. */
const java = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../test/fixtures/namespace/java-5.5.0.json'), 'utf8'),
) as { name: string; wrapped: string; stripped: string }[];

describe('a namespace', () => {
  const names = new Namespace('ns');

  it.each(java)('T178 wraps and strips names as Java does: $name', ({ name, wrapped, stripped }) => {
    expect(names.wrap(name)).toBe(wrapped);
    expect(names.strip(name)).toBe(stripped);
  });

  it('that is not set leaves names as they are', () => {
    const none = new Namespace(undefined);
    expect(java.map(({ name }) => [none.wrap(name), none.strip(name)])).toEqual(java.map(({ name }) => [name, name]));
  });

  it.each<[object, string]>([
    [{ namespace: 'a%b' }, 'namespace'],
    [{ namespace: '' }, 'namespace'],
    [{ namespaceV2: 5 }, 'namespaceV2'],
    [{ namespace: 'a', namespaceV2: 'b' }, 'only one of'],
  ])('refuses %j', (options, message) => {
    expect(() => checkNamespaces(options)).toThrow(message);
  });
});
