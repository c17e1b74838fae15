// Compares docs/from-rocketmq-spring.md with the classes of rocketmq-spring: nothing that it offers is missing, or made up.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { repositoryRoot } from './harness/paths.js';
import { springApi } from './harness/spring-peer.js';

jest.setTimeout(300_000);

const page = readFileSync(join(repositoryRoot, 'docs/from-rocketmq-spring.md'), 'utf8');

/** The first cells of the rows of all tables, in code marks. */
const cells = [...page.matchAll(/^\| `(.*?)` \| .+ \|$/gm)].map(([, cell]) => cell!.replaceAll('\\|', '|'));

/** The overloads that a cell stands for: 'f(A|B[, C])' is four. */
function overloads(cell: string): string[] {
  const optional = /\[([^[\]]*)\]/.exec(cell);
  if (optional) return [cell.replace(optional[0], ''), cell.replace(optional[0], optional[1]!)].flatMap(overloads);
  const choice = /\w+(?:\|\w+)+/.exec(cell);
  if (!choice) return [cell];
  return choice[0].split('|').flatMap((one) => overloads(cell.replace(choice[0], one)));
}

let offered: Map<string, string[]>;
beforeAll(async () => {
  offered = new Map();
  for (const line of await springApi()) {
    const [, kind, name] = /^(\w+) (.*)$/.exec(line)!;
    offered.set(kind!, [...(offered.get(kind!) ?? []), name!]);
  }
});

test.each([
  ['template', 'methods of RocketMQTemplate', /\(/],
  [
    'annotation',
    'attributes of annotations',
    /^(?:Ext)?RocketMQ\w*(?:Listener|Configuration)\.(?!onMessage|prepareStart|\w+LocalTransaction)/,
  ],
  ['interface', 'methods of listeners', /^RocketMQ\w+\.(?:on\w+|prepareStart|\w+LocalTransaction|[A-Z]+)$/],
  ['property', 'properties', /^rocketmq\./],
  ['header', 'headers', /^RocketMQHeaders\./],
])('the page has all %s: %s', (kind, _what, pattern) => {
  const isOwn = (cell: string): boolean =>
    pattern.test(cell) && (kind === 'header' || !cell.startsWith('RocketMQHeaders'));
  const named = cells.filter(isOwn).flatMap(overloads);
  const names = offered.get(kind)!.map((name) => (kind === 'header' ? `RocketMQHeaders.${name}` : name));
  expect(named.toSorted()).toEqual(names.toSorted());
});
