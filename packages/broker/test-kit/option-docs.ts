// Writes the texts that are generated from the broker's option rows: BrokerOptions, docs/broker-options.md and the tables of
// LIMITS.md.
import type { AnyOptionRow, OptionName } from '../src/config/option-rows.js';
import { optionChapters, optionEntries, optionRows } from '../src/config/option-rows.js';

const WIDTH = 120;
const GENERATED = 'UPDATE_DOCS=1 npm test -- config/option-docs';

const rowsOf = (rows: object): [OptionName, AnyOptionRow][] => Object.entries(rows) as [OptionName, AnyOptionRow][];

/** `8`, `"broker-a"`: without a default that is fixed, when it is which. */
function fallbackOf({ fallback, fallbackSays }: AnyOptionRow): string {
  if (fallbackSays !== undefined) return fallbackSays;
  if (fallback === '') return 'none';
  return `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
}

function docOf(row: AnyOptionRow): string {
  const range = row.range && (row.unit ? `${row.unit}, ${row.range}` : row.range);
  const rest = [`Default: ${fallbackOf(row)}`, range && `allowed: ${range}`].filter(Boolean).join('; ');
  const conf = row.conf === undefined ? '' : ` In broker.conf: ${row.conf}.`;
  return `${row.says} ${rest}.${conf}`;
}

function comment(text: string): string {
  if (text.length + '  /**  */'.length <= WIDTH) return `  /** ${text} */`;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`   * ${word}`);
  }
  return ['  /**', ...lines, '   */'].join('\n');
}

const isLimit = (name: OptionName): boolean => Object.hasOwn(optionChapters.Limits, name);

function membersOf(rows: readonly [OptionName, AnyOptionRow][]): string {
  return rows.map(([name, row]) => `${comment(docOf(row))}\n  ${name}?: ${row.type};`).join('\n');
}

/** The text of config/limit-options.ts. */
export function limitOptionsInterface(): string {
  return `// Lists the options that limit what peers can ask of a broker. Written from the rows in limit-rows.ts (${GENERATED}).

/** What happens beyond each limit is in LIMITS.md. */
export interface LimitOptions {
${membersOf(optionEntries.filter(([name]) => isLimit(name)))}
}
`;
}

/** The text of config/broker-options.ts. */
export function optionsInterface(): string {
  return `// Lists the options of a broker, as a user sees them. Written from the rows in option-rows.ts (${GENERATED}).
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import type { FileSystem } from '../store/files/file-system.js';
import type { LimitOptions } from './limit-options.js';

/** Every option has Apache's name and default where Apache has one. */
export interface BrokerOptions extends LimitOptions {
${membersOf(optionEntries.filter(([name]) => !isLimit(name)))}
  /** Default: the machine's. */
  clock?: Clock;
  /** Default: none, nothing is logged. */
  logger?: Logger;
  /** Instead of the machine's files, for tests. */
  fileSystem?: FileSystem;
}
`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function rowOfDocs([name, row]: [OptionName, AnyOptionRow]): string {
  const unit = row.unit === undefined ? '' : row.unit;
  const range = row.range ?? (row.type === 'boolean' ? 'true or false' : row.type.replaceAll("'", ''));
  const places = [row.conf && `\`${row.conf}\` in broker.conf`, row.flag && `\`--${row.flag.name}\``];
  const cells = [`\`${name}\``, fallbackOf(row), range, unit, places.filter(Boolean).join(', '), row.says];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** The text of docs/broker-options.md. */
export function optionsPage(): string {
  const chapters = Object.entries(optionChapters).map(
    ([title, rows]) => `## ${title}

| option | default | allowed | unit | also as | |
|---|---|---|---|---|---|
${rowsOf(rows).map(rowOfDocs).join('\n')}
`,
  );
  return `# Options of the broker

<!-- Written from packages/broker/src/config: ${GENERATED} -->

Each is an option of \`startBroker\`, and a key of the file that \`--config\` names, in the form of Apache's broker.conf.
Names and defaults are Apache's where Apache has the option. A flag of the command goes before the file. A value that is
not allowed ends the start with an \`InvalidOptionError\` that names the option, what was given, and what is allowed.
What happens beyond a limit is in [LIMITS.md](../LIMITS.md).

${chapters.join('\n')}`;
}

/** The tables of LIMITS.md, by the headings above them. */
export function limitTables(): Map<string, string> {
  const tables = new Map<string, string>();
  for (const [name, { limit, fallback }] of rowsOf(optionRows)) {
    if (!limit) continue;
    const before =
      tables.get(limit.chapter) ?? '| limit | default | what is limited, and what happens beyond it |\n|---|---|---|\n';
    tables.set(limit.chapter, `${before}| \`${name}\` | ${String(fallback)} | ${cell(limit.says)} |\n`);
  }
  return tables;
}

/** LIMITS.md with its tables as they are in the rows. */
export function withLimitTables(text: string): string {
  let page = text;
  for (const [chapter, table] of limitTables()) {
    const [before, after] = [`## ${chapter}\n`, /^\|.*\n(?:\|.*\n)+/m];
    const at = page.indexOf(before) + before.length;
    page = page.slice(0, at) + page.slice(at).replace(after, () => table);
  }
  return page;
}
