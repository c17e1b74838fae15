// Tests that the rooms of a package have no import cycle, and that ARCHITECTURE.md draws them as they are.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { cycleOf, mermaidOf, roomsOf } from './rooms.js';
import { packageOf, root, sources } from './sources.js';

const packages = ['remoting', 'client', 'broker', 'nest-rocketmq'];
/** The entry points of a package import everything: their arrows say nothing. */
const DOORS = /\/src\/(index|main|internal|(testing|idempotency|outbox)\/index)\.ts$/;

const file = join(root, 'ARCHITECTURE.md');

const graphOf = (name: string): ReturnType<typeof roomsOf> =>
  roomsOf(sources.filter(({ path }) => packageOf(path) === name && !DOORS.test(path)));

describe('the rooms of a package', () => {
  it.each(packages)('%s has no cycle', (name) => {
    expect(cycleOf(graphOf(name))).toBeUndefined();
  });

  it.each(packages)('%s is drawn in ARCHITECTURE.md as it is', (name) => {
    const picture = `### ${name}\n\`\`\`mermaid\n${mermaidOf(graphOf(name))}\n\`\`\``;
    const text = readFileSync(file, 'utf8');
    if (process.env.UPDATE_ROOMS) {
      writeFileSync(file, text.replace(new RegExp(`### ${name}\n\`\`\`mermaid\n[^\`]*\`\`\``), picture));
      return;
    }
    expect(text).toContain(picture);
  });

  it('are found to have one where there is one', () => {
    const source = (path: string, imported: string): (typeof sources)[number] => ({
      path: `packages/p/src/${path}`,
      text: '',
      imports: [{ specifier: '', file: `packages/p/src/${imported}` }],
    });
    const rooms = roomsOf([source('a/x.ts', 'b/y.ts'), source('b/y.ts', 'b/z.ts'), source('b/z.ts', 'a/w.ts')]);
    expect(cycleOf(rooms)).toEqual(['a', 'b', 'a']);
  });
});
