// Owns what a measurement is, a list of named figures, and how two servers' are compared: medians, and medians of the
// ratios of each pair, since the machine's own pace drifts between one pair and the next.
import { markdownTable, median } from './table.js';

export interface Figure {
  readonly name: string;
  /** Undefined where this server has none. */
  readonly value: number | undefined;
  readonly digits: number;
  /** Whether B/A says anything. */
  readonly comparable: boolean;
}

/** All of one benchmark have the same figures, in the same order. */
export type Measurement = readonly Figure[];
export type Pair = readonly [Measurement, Measurement];

export const comparable = (name: string, value: number | undefined, digits = 0): Figure => ({
  name,
  value,
  digits,
  comparable: true,
});

export const plain = (name: string, value: number | undefined, digits = 0): Figure => ({
  name,
  value,
  digits,
  comparable: false,
});

const NONE = '-';
const SIDES = [0, 1] as const;

export function shown(value: number | undefined, digits = 0): string {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const cells = (measurement: Measurement): string[] => measurement.map(({ value, digits }) => shown(value, digits));

function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const there = values.filter((value) => value !== undefined);
  return there.length === 0 ? undefined : median(there);
}

function medianOfSide(pairs: readonly Pair[], side: 0 | 1): Measurement {
  return pairs[0][side].map((figure, i) => ({ ...figure, value: medianOf(pairs.map((pair) => pair[side][i].value)) }));
}

function ratios(pairs: readonly Pair[]): string[] {
  return pairs[0][0].map((figure, i) => {
    if (!figure.comparable) return '';
    const each = pairs.map(([a, b]) => (b[i].value ?? NaN) / (a[i].value ?? NaN));
    return shown(medianOf(each.filter(Number.isFinite)), 2);
  });
}

/** A row for each measurement: for benchmarks of a few figures and many pairs. */
export function tableOfRuns(names: readonly [string, string], pairs: readonly Pair[]): string {
  const head = ['', ...pairs[0][0].map(({ name }) => name)];
  const runs = pairs.flatMap((pair, i) =>
    SIDES.map((side) => [`${i + 1}${'AB'[side]} ${names[side]}`, ...cells(pair[side])]),
  );
  const medians = SIDES.map((side) => [`median ${'AB'[side]} ${names[side]}`, ...cells(medianOfSide(pairs, side))]);
  return markdownTable(head, [...runs, ...medians, ['median of B/A', ...ratios(pairs)]]);
}

/** A row for each figure, medians only: for benchmarks of many figures and few pairs. */
export function tableOfFigures(names: readonly [string, string], pairs: readonly Pair[]): string {
  const [a, b] = SIDES.map((side) => cells(medianOfSide(pairs, side)));
  const ratio = ratios(pairs);
  const rows = pairs[0][0].map(({ name }, i) => [name, a[i], b[i], ratio[i]]);
  return markdownTable(['', `A ${names[0]}`, `B ${names[1]}`, 'B/A'], rows);
}

export function oneLine(measurement: Measurement): string {
  return measurement.map(({ name, value, digits }) => `${name} ${shown(value, digits)}`).join(', ');
}
