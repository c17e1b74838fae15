// Measures what the first boot with the embedded broker takes more than that of an empty app, module loading included.
import { rmSync } from 'node:fs';
import { type Format, bothBoots } from '../../e2e/boots.js';

const ROUNDS = 7;

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

export interface FirstBoot {
  /** ms of CPU more than an empty app, the median of several processes */
  readonly more: number;
  /** ms of CPU that loading Nest takes: work of the same kind, by which machines and their load compare */
  readonly nest: number;
}

/** @param store a folder that is removed before each boot; each takes a new one */
export function firstBoot(program: string, format: Format, store: string): FirstBoot {
  const rounds = Array.from({ length: ROUNDS }, () => {
    rmSync(store, { recursive: true, force: true });
    return bothBoots(program, format, store);
  });
  const of = (time: (round: (typeof rounds)[number]) => number): number => median(rounds.map(time));
  return {
    more: of(({ broker }) => broker.first) - of(({ empty }) => empty.first),
    nest: median(rounds.flatMap(({ broker, empty }) => [broker.nest, empty.nest])),
  };
}
