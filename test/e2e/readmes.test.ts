// Compares the READMEs with the code: flags and defaults of the command, names of options. Needs the build.
import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { optionRows } from '@nest-rocketmq/broker/internal';
import { Test } from '@nestjs/testing';
import { DEFAULT_LISTEN, DEFAULT_NAME_SERVER_LISTEN, DEFAULT_STORE } from '@nest-rocketmq/broker';
import * as nestRocketMQ from 'nest-rocketmq';
import { InvalidOptionError, RocketMQMessageListener, RocketMQModule } from 'nest-rocketmq';
import * as idempotency from 'nest-rocketmq/idempotency';

const ROOT = join(import.meta.dirname, '../..');
const BROKER = join(ROOT, 'packages/broker/bin/nest-rocketmq-broker.mjs');

const readme = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The cells of the rows of all tables, code marks removed. */
function rows(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('| `'));
  const plain = (cell: string): string => cell.replaceAll('`', '').replaceAll('\\|', '|').trim();
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map(plain),
  );
}

describe('the flags of the command', () => {
  const help = execFileSync(process.execPath, [BROKER, '--help'], { encoding: 'utf8' });
  const flags = [...help.matchAll(/^ +(?:-\w, )?(--[\w-]+)\b.*?(?:\(([^()]+)\))?$/gm)].map(([, flag, value]) => [
    flag,
    value ?? '',
  ]);
  const withDefault = flags.filter(([, value]) => value !== '');

  test.each(['README.md', 'packages/broker/README.md'])('have in %s the defaults that --help shows', (path) => {
    expect(withDefault.map(([flag]) => flag)).toEqual(['--listen', '--name-server-listen', '--store', '--flush']);
    for (const [flag, value] of withDefault) {
      const row = rows(readme(path)).find(([first]) => first?.includes(flag!));
      expect([flag, row?.[1]]).toEqual([flag, value]);
    }
  });

  test("have the code's defaults", () => {
    expect(Object.fromEntries(withDefault)).toEqual({
      '--listen': DEFAULT_LISTEN,
      '--name-server-listen': DEFAULT_NAME_SERVER_LISTEN,
      '--store': DEFAULT_STORE,
      '--flush': 'async',
    });
  });

  test('are all in the README of the broker', () => {
    for (const [flag] of flags) expect(readme('packages/broker/README.md')).toContain(flag);
  });
});

describe('the defaults of the broker that README.md speaks of', () => {
  const text = readme('README.md');

  test.each([
    'fileReservedTime',
    'deleteWhen',
    'diskMaxUsedSpaceRatio',
    'diskSpaceCleanForciblyRatio',
    'diskSpaceWarningLevelRatio',
  ] as const)('are those of its options: %s', (option) => {
    const [, told] = new RegExp(`(\\d+)[^\\d\`]*\\(\`${option}\`\\)`).exec(text) ?? [];
    expect([option, Number(told)]).toEqual([option, Number(optionRows[option].fallback)]);
  });

  test('are those of its options: the folder of the store, embedded too', () => {
    const { fallback } = optionRows.store;
    expect(text).toContain(`\`${fallback}/\``);
    const embedded = readme('packages/nest-rocketmq/src/backends/embedded-options.ts');
    expect(embedded).toContain(`DEFAULT_STORE = '${fallback}'`);
  });
});

/** What the error for an unknown option lists. */
async function optionsListed(options: object, listener: object = {}): Promise<string[]> {
  class Listener {
    @RocketMQMessageListener({ topic: 'order', ...listener })
    take(): void {}
  }
  const imports = [RocketMQModule.forRoot({ group: 'g', embedded: { store: 'memory' }, ...options })];
  try {
    const app = await Test.createTestingModule({ imports, providers: [Listener] }).compile();
    await app.init();
  } catch (error) {
    if (error instanceof InvalidOptionError) return error.allowed.replace('one of the options ', '').split(', ');
    throw error;
  }
  throw new Error('an unknown option was taken');
}

const UNKNOWN = { 'no such option': 1 };

describe('the options of the Nest module', () => {
  const table = rows(readme('packages/nest-rocketmq/README.md'));

  test('of forRoot are the rows of its table', async () => {
    const end = table.findIndex(([option]) => option === 'isGlobal');
    expect(table.slice(0, end).map(([option]) => option)).toEqual(await optionsListed(UNKNOWN));
  });

  test.each(['embedded', 'producer', 'consumer'])('within %s are named in its row', async (option) => {
    const text = table.find(([first]) => first === option)![2];
    for (const name of await optionsListed({ [option]: UNKNOWN })) expect(text).toMatch(new RegExp(`\\b${name}\\b`));
  });

  test('have the default store of the broker', () => {
    const text = table.find(([first]) => first === 'embedded')![2];
    expect(text).toContain(`store ('${DEFAULT_STORE}',`);
    expect(readme('README.md')).toContain(`stores its messages in \`${DEFAULT_STORE}/\``);
  });

  test('of a listener are in its table', async () => {
    const cells = table.map(([first]) => first).join(', ');
    for (const name of await optionsListed({}, UNKNOWN)) expect(cells).toMatch(new RegExp(`\\b${name}\\b`));
  });
});

test.each(['README.md', 'packages/nest-rocketmq/README.md'])('%s names only errors that are exported', (path) => {
  const named = [...readme(path).matchAll(/`([A-Z]\w+Error)`/g)].map(([, name]) => name!);
  expect(named.filter((name) => !(name in nestRocketMQ) && !(name in idempotency))).toEqual([]);
});

test.each([
  ['README.md', ['enableShutdownHooks', 'createRocketMQOptions', '.gitignore', 'app.close()', 'npm run broker']],
  ['packages/nest-rocketmq/README.md', ['enableShutdownHooks', 'createRocketMQOptions', '.gitignore', 'app.close()']],
])('%s says what a user has to know: %p', (path, words) => {
  for (const word of words) expect(readme(path)).toContain(word);
});
