// Tests the public doors: every export has a docstring at its declaration.
import { describe, expect, it } from '@jest/globals';
import { sources } from './sources.js';

const DOORS = [
  'packages/remoting/src/index.ts',
  'packages/client/src/index.ts',
  'packages/broker/src/index.ts',
  'packages/nest-rocketmq/src/index.ts',
  'packages/nest-rocketmq/src/testing/index.ts',
  'packages/nest-rocketmq/src/opentelemetry/index.ts',
  'packages/nest-rocketmq/src/terminus/index.ts',
  'packages/nest-rocketmq/src/microservices/index.ts',
  'packages/nest-rocketmq/src/cqrs/index.ts',
  'packages/nest-rocketmq/src/idempotency/index.ts',
];

const EXPORTS = /^export (?:type )?\{([^}]*)\} from '([^']+)';/gm;

interface Export {
  readonly name: string;
  /** The file of the specifier, path from the root. */
  readonly file: string;
}

const textOf = (path: string): string => sources.find((source) => source.path === path)!.text;

/** '@nest-rocketmq/broker/errors' has no source of that name. */
const FILES: Readonly<Record<string, string>> = {
  '@nest-rocketmq/remoting': 'packages/remoting/src/index.ts',
  '@nest-rocketmq/remoting/internal': 'packages/remoting/src/internal.ts',
  '@nest-rocketmq/client': 'packages/client/src/index.ts',
  '@nest-rocketmq/broker/errors': 'packages/broker/src/store/errors.ts',
};

function exportsOf(path: string): Export[] {
  const { text, imports } = sources.find((source) => source.path === path)!;
  return [...text.matchAll(EXPORTS)].flatMap(([, names, specifier]) => {
    const file = FILES[specifier!] ?? imports.find((each) => each.specifier === specifier)!.file!;
    return names!
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({ name, file }));
  });
}

/** Follows an export to the file that declares it. */
function declarationOf({ name, file }: Export): Export {
  const next = exportsOf(file).find((each) => each.name === name);
  return next ? declarationOf(next) : { name, file };
}

/** The name of one of the declarations, with a docstring right before it or before its decorators. */
function isDocumented({ name, file }: Export): boolean {
  const kinds = '(?:abstract class|class|interface|type|enum|const|async function|function)';
  const decorators = String.raw`(?:@\w+\([^)]*\)\n)*`;
  return new RegExp(String.raw`\*/\n${decorators}export ${kinds} ${name}\b`).test(textOf(file));
}

describe.each(DOORS)('%s', (door) => {
  const declarations = exportsOf(door).map(declarationOf);

  it('exports each name once, and from where it is declared', () => {
    const names = declarations.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    for (const { name, file } of declarations) expect(textOf(file)).toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('exports nothing without a docstring', () => {
    const bare = declarations.filter((each) => !isDocumented(each));
    expect(bare).toEqual([]);
  });
});
