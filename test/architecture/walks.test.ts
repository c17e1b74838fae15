// Tests that a message's way in ARCHITECTURE.md exists: each file is called by one before it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageOf, root, sources } from './sources.js';

// The walks of ARCHITECTURE.md. `a` → `b`: an earlier file of that stretch knows b, since it calls it. `a` ⇢ `b`: b is
// told by a listener, which one file that knows both has set up. ‖: over the wire, where nobody knows the other's files.

interface Step {
  readonly arrow: '→' | '⇢' | undefined;
  readonly name: string;
}

const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
const section = /## The walks\n([\s\S]*?)(?=\n## |$)/.exec(text)?.[1] ?? '';

const walks = [...section.matchAll(/\*\*(\w[\w -]*)\.\*\*([^*]+)/g)].map(([, name, body]) => ({
  name: name!,
  stretches: body!.split('‖').map((stretch) => {
    const steps: Step[] = [];
    for (const [, arrow, file] of stretch.matchAll(/([→⇢])?\s*`([\w/.-]+)`/g)) {
      steps.push({ arrow: steps.length === 0 ? undefined : (arrow as Step['arrow']), name: file! });
    }
    return steps;
  }),
}));

function find(name: string): string {
  const found = sources.filter(
    ({ path }) => path.endsWith(`/${name}.ts`) || path.replace('/src/', '/').endsWith(`packages/${name}.ts`),
  );
  if (found.length !== 1)
    throw new Error(`'${name}' in a walk names ${found.length} files: ${found.map(({ path }) => path).join(', ')}`);
  return found[0]!.path;
}

/** Within a package by its import; across packages by the import of the other's public door. */
function knows(from: string, to: string): boolean {
  const { imports } = sources.find(({ path }) => path === from)!;
  if (packageOf(from) === packageOf(to)) return imports.some(({ file }) => file === to);
  return imports.some(
    ({ specifier }) =>
      specifier
        .replace(/\/internal$/, '')
        .split('/')
        .at(-1) === packageOf(to),
  );
}

describe('the walks of ARCHITECTURE.md', () => {
  it('are there, and long enough to be one', () => {
    const names = [
      'Sent',
      'Delayed',
      'Timed',
      'Transactional',
      'In order',
      'Asked',
      'Batched',
      'From the outbox',
      'Polled',
      'Popped',
    ];
    expect(walks.map(({ name }) => name)).toEqual(names);
    for (const { stretches } of walks) expect(stretches.flat().length).toBeGreaterThan(6);
  });

  it.each(walks.map(({ name, stretches }) => [name, stretches] as const))(
    '%s: every file exists, and is called by one before it',
    (_name, stretches) => {
      for (const steps of stretches) {
        const before: string[] = [];
        for (const { arrow, name } of steps) {
          const file = find(name);
          if (arrow === '→' && !before.some((earlier) => knows(earlier, file))) {
            throw new Error(`no file before ${file} in its stretch imports it: ${before.join(', ')}`);
          }
          if (arrow === '⇢') {
            const setUpBy = sources.filter(
              ({ path }) => knows(path, file) && before.some((earlier) => path === earlier || knows(path, earlier)),
            );
            if (setUpBy.length === 0)
              throw new Error(`nobody knows both ${file} and one before it: ${before.join(', ')}`);
          }
          before.push(file);
        }
      }
    },
  );
});
