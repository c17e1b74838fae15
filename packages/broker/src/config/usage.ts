// Writes the text of `nest-rocketmq-broker --help`, and lists the flags that are options of the broker.
import { optionEntries } from './option-rows.js';
import type { OptionName } from './option-rows.js';
import type { FlagOfOption } from './option-row.js';

/** Options that are flags of the command, in the order of `--help`. */
export const flagEntries: readonly (readonly [OptionName, FlagOfOption])[] = optionEntries.flatMap(([name, { flag }]) =>
  flag ? [[name, flag] as const] : [],
);

const OTHERS: readonly (readonly [flag: string, says: string])[] = [
  ['-c, --config FILE', "a broker.conf with Apache's keys; the options above stand before it"],
  ['-v, --version', 'the version of this command'],
  ['-h, --help', 'this text'],
];

export function usage(): string {
  const lines = [
    ...flagEntries.map(([, flag]) => [`--${flag.name} ${flag.argument}`, `${flag.says} (${flag.fallback})`] as const),
    ...OTHERS,
  ];
  const width = Math.max(...lines.map(([flag]) => flag.length));
  return `Usage: nest-rocketmq-broker [options]

Starts a RocketMQ broker and its name server, and prints one line when both are ready.

${lines.map(([flag, says]) => `  ${flag.padEnd(width)}  ${says}\n`).join('')}`;
}
