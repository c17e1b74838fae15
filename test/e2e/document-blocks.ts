// Makes of each TypeScript block of a document a file that compiles, on the block's own lines, so that an error of the
// compiler names the line of the page. A block is what a user writes in one file. Its paragraphs are code as it stands, or
// parts of a class, which are put into one: methods and constructors; decorators alone, with a method below them; and
// statements with `this` or a `return`, in a method. Names of our doors are imported, as an editor does it, unless the block
// does; what else it neither imports nor declares is in test/fixtures/documents.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './compiled-app.js';

export interface Block {
  /** The line of the page on which the code begins. */
  readonly line: number;
  readonly code: string;
}

/** The TypeScript blocks of a document, in its order. */
export function tsBlocks(page: string): Block[] {
  return [...page.matchAll(/^```ts\b.*\n([^]*?)^```$/gm)].map(({ 1: code, index }) => ({
    line: page.slice(0, index).split('\n').length + 1,
    code: code!,
  }));
}

/** A file with the code of the block on the lines that it has in the page. */
export function fileOf({ line, code }: Block): string {
  const paragraphs = code.trimEnd().split(/\n\n(?=[^\s})\]])/);
  const parts = paragraphs.map(classPart);
  const text = paragraphs.map((paragraph, index) => {
    const part = parts[index];
    if (part === undefined) return `${paragraph}\n`;
    const opens = parts[index - 1] === undefined || part.startsWith('constructor(');
    const ends = parts[index + 1]?.startsWith('constructor(') ?? true;
    const head = opens ? `interface Part${index} extends Surroundings {} class Part${index} { ` : '';
    return `${head}${part}${part === paragraph ? '\n' : ' '}${ends ? '}' : ''}`;
  });
  return `${importsOf(code)}${'\n'.repeat(line - 1)}${text.join('\n')}\nexport {};\n`;
}

const CLASS = /^(?:export )?class /m;
const METHOD = /^(?:async )?(?!(?:if|for|while|test|beforeEach)\b)\w+\([^()]*\)(?:: [^{]+)? \{/;

/** The paragraph as a part of a class, or undefined if it stands for itself. */
function classPart(paragraph: string, index: number): string | undefined {
  const code = paragraph.replace(/^(?:\/\/.*\n)+/, '');
  if (CLASS.test(code)) return undefined;
  if (code.startsWith('constructor(') || METHOD.test(code)) return paragraph;
  if (code.startsWith('@')) return /\}(?: *\/\/.*)?$/.test(code) ? paragraph : `${paragraph}\ntake${index}() {}`;
  return /\bthis\.|^return\b/m.test(code) ? `async do${index}() { ${paragraph}\n}` : undefined;
}

/** The doors whose names examples may leave out of their imports, with the sources. Of a name in two the first one counts. */
const DOORS = Object.entries({
  'nest-rocketmq': 'nest-rocketmq/src',
  ...Object.fromEntries(
    ['testing', 'idempotency', 'outbox', 'microservices', 'cqrs', 'opentelemetry', 'terminus'].map((door) => [
      `nest-rocketmq/${door}`,
      `nest-rocketmq/src/${door}`,
    ]),
  ),
  '@nest-rocketmq/client': 'client/src',
}).map(([door, source]) => {
  const text = readFileSync(join(root, 'packages', source, 'index.ts'), 'utf8');
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].map(([, list]) => list!);
  return { door, names: new Set(lists.join().match(/\w+/g)) };
});

/** One line that imports what the code names of our doors, and neither imports nor declares. */
function importsOf(code: string): string {
  const own = code.matchAll(/\b(?:class|interface|const|function) (\w+)|^import (?:type )?\{([^}]*)\}/gm);
  const left = new Set(code.match(/\w+/g));
  for (const [, declared, imported] of own)
    for (const name of (declared ?? imported)!.match(/\w+/g)!) left.delete(name);
  const lines = DOORS.map(({ door, names }) => {
    const used = [...left].filter((name) => names.has(name));
    used.forEach((name) => left.delete(name));
    return used.length > 0 ? `import { ${used.join(', ')} } from '${door}'; ` : '';
  });
  return lines.join('');
}
