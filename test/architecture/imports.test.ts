// Tests who may import whom, as ARCHITECTURE.md says, and what every source file has in common.
import { describe, expect, it } from '@jest/globals';
import { packageOf, sources, testSources } from './sources.js';
import type { Source } from './sources.js';

/** ARCHITECTURE.md, "Who may import whom". Node's own modules are free to all. */
const allowed: Record<string, RegExp> = {
  remoting: /^$/,
  client: /^@nest-rocketmq\/remoting(\/internal)?$/,
  broker: /^@nest-rocketmq\/remoting(\/internal)?$/,
  'nest-rocketmq':
    /^(@nestjs\/(common|core|terminus|microservices(\/exceptions\/rpc-exceptions-handler\.js)?|cqrs)|@opentelemetry\/api|rxjs|reflect-metadata|@nest-rocketmq\/(client|remoting|broker|broker\/errors)(\/internal)?)$/,
  'sample-app':
    /^(@nestjs\/(common|core|platform-express)|nest-rocketmq(\/idempotency)?|reflect-metadata|rxjs|class-validator|class-transformer|@electric-sql\/pglite|pg)$/,
};

/** Entry points: imported by a user, a shell or Node, and by no file here. */
const doors = [
  /\/src\/(index|internal)\.ts$/,
  /\/src\/main\.ts$/,
  /nest-rocketmq\/src\/(testing|idempotency|opentelemetry|terminus|microservices|cqrs)\/index\.ts$/,
];

/** All under test/ and bench/, and the tests of the sample app. Unit tests of the packages speak for themselves. */
const sharedTests = testSources.filter(({ path }) => /^(test|bench|sample-app)\//.test(path));

const outside = (source: Source): string[] =>
  source.imports
    .filter(({ file, specifier }) => file === undefined && !specifier.startsWith('node:'))
    .map(({ specifier }) => specifier);

describe('the import table', () => {
  it.each(sources.map((source) => [source.path, source] as const))(
    '%s imports only what its package may',
    (_path, source) => {
      for (const specifier of outside(source)) expect(specifier).toMatch(allowed[packageOf(source.path)]!);
      for (const { file } of source.imports) if (file) expect(packageOf(file)).toBe(packageOf(source.path));
    },
  );

  it('lets only the embedded backend and the testing kit import the broker, but for its errors', () => {
    const importers = sources.filter(
      ({ path, imports }) =>
        packageOf(path) === 'nest-rocketmq' &&
        imports.some(({ specifier }) => /^@nest-rocketmq\/broker(?!\/errors$)/.test(specifier)),
    );
    for (const { path } of importers)
      expect(path).toMatch(/nest-rocketmq\/src\/(backends\/embedded-backend\.ts|testing\/)/);
  });

  it('lets only the room of an optional neighbour import it', () => {
    for (const { path, imports } of sources) {
      for (const { specifier } of imports) {
        const [, neighbour] = /^@nestjs\/(microservices|cqrs)\b/.exec(specifier) ?? [];
        if (neighbour !== undefined) expect(path).toMatch(`nest-rocketmq/src/${neighbour}/`);
      }
    }
  });

  it('lets the store import itself and remoting only', () => {
    for (const { path, imports } of sources.filter(({ path: file }) => file.startsWith('packages/broker/src/store/'))) {
      for (const { file } of imports)
        if (file) expect(`${path} imports ${file}`).toMatch(/ imports packages\/broker\/src\/store\//);
    }
  });

  it('lets nobody but handlers.ts import a request handler', () => {
    for (const { path, imports } of sources.filter(({ path: file }) => file.startsWith('packages/broker/src/'))) {
      if (path === 'packages/broker/src/handlers.ts') continue;
      for (const { file } of imports) if (file) expect(`${path} imports ${file}`).not.toMatch(/-handlers?\.ts$/);
    }
  });

  it('lets nobody but the entry points import broker.ts', () => {
    const importers = sources.filter(({ imports }) =>
      imports.some(({ file }) => file === 'packages/broker/src/broker.ts'),
    );
    expect(importers.map(({ path }) => path).toSorted()).toEqual([
      'packages/broker/src/index.ts',
      'packages/broker/src/internal.ts',
      'packages/broker/src/main.ts',
    ]);
  });

  it.each([
    ['opentelemetry', /^@opentelemetry\//],
    ['terminus', /^@nestjs\/terminus$/],
  ])('lets only nest-rocketmq/%s import what an app may not have installed', (door, neighbour) => {
    const importers = sources.filter(({ imports }) => imports.some(({ specifier }) => neighbour.test(specifier)));
    expect(importers.length).toBeGreaterThan(0);
    for (const { path } of importers) expect(path).toMatch(new RegExp(`nest-rocketmq/src/${door}/`));
    const inside = `packages/nest-rocketmq/src/${door}/`;
    for (const { path, imports } of sources.filter(({ path: file }) => !file.startsWith(inside))) {
      for (const { file } of imports) expect(`${path} imports ${file}`).not.toContain(` imports ${inside}`);
    }
  });

  it('has one index.ts per package, and one for each other door of the Nest module, and no other barrel', () => {
    const barrels = sources.filter(({ path }) => path.endsWith('/index.ts')).map(({ path }) => path);
    expect(barrels.toSorted()).toEqual([
      'packages/broker/src/index.ts',
      'packages/client/src/index.ts',
      'packages/nest-rocketmq/src/cqrs/index.ts',
      'packages/nest-rocketmq/src/idempotency/index.ts',
      'packages/nest-rocketmq/src/index.ts',
      'packages/nest-rocketmq/src/microservices/index.ts',
      'packages/nest-rocketmq/src/opentelemetry/index.ts',
      'packages/nest-rocketmq/src/terminus/index.ts',
      'packages/nest-rocketmq/src/testing/index.ts',
      'packages/remoting/src/index.ts',
    ]);
    for (const { path, text } of sources) expect([path, /^export \*/m.test(text)]).toEqual([path, false]);
  });

  it('has no cycle', () => {
    const byPath = new Map(sources.map((source) => [source.path, source]));
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) throw new Error(`cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
      if (done.has(path)) return;
      for (const { file } of byPath.get(path)?.imports ?? []) if (file) visit(file, [...trail, path]);
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
  });

  it('has no file that nobody imports', () => {
    const imported = new Set(sources.flatMap(({ imports }) => imports.map(({ file }) => file)));
    const orphans = sources.filter(({ path }) => !imported.has(path) && !doors.some((door) => door.test(path)));
    expect(orphans.map(({ path }) => path)).toEqual([]);
  });

  it("lets tests across packages use each package's public door only", () => {
    for (const { path, imports } of testSources.filter(({ path: file }) => /^(test|bench)\//.test(file))) {
      for (const { file } of imports) expect(`${path} imports ${file}`).not.toMatch(/ imports packages\//);
    }
  });
});

describe('the sources', () => {
  it.each([...sources, ...sharedTests].map((source) => [source.path, source] as const))(
    '%s opens with a summary sentence in the present tense',
    (_path, { text }) => {
      const lines = text.replace(/^#!.*\n/, '').split('\n');
      const end = lines.findIndex((line) => !line.startsWith('//'));
      const summary = lines.slice(0, end).join(' ').replaceAll(' // ', ' ');
      expect(summary).toMatch(/^\/\/ (?!Owns )(?:[A-Z][a-z]+s,? |The public door of )(?!.*Leaves .* to ).*[.:)]$/);
    },
  );

  it('open with a plain sentence, and say nothing of what others do', () => {
    for (const { path, text } of sources.filter(({ path: file }) => file.startsWith('packages/broker/src/'))) {
      const [opening = ''] = text.replace(/^#!.*\n/, '').split(/\n(?!\/\/)/);
      expect([path, opening]).not.toEqual([path, expect.stringMatching(/\b(Owns|Leaves)\b/)]);
    }
  });

  it('hold no any in what they export, no console.log, and stay under 300 lines', () => {
    for (const { path, text } of sources) {
      expect([path, /(:|<|\bas) any\b/.test(text)]).toEqual([path, false]);
      if (!path.startsWith('sample-app')) expect([path, /\bconsole\./.test(text)]).toEqual([path, false]);
      expect([path, text.split('\n').length > 301]).toEqual([path, false]);
    }
  });
});
