// Compares the results of several servers: medians, and medians of each round's ratios, since the machine's speed drifts
// between rounds.
import { markdownTable, median } from './table.js';

export interface Figure {
  readonly name: string;
  /** Undefined if this server has none. */
  readonly value: number | undefined;
  readonly digits: number;
  /** Whether the ratio B/A is meaningful. */
  readonly comparable: boolean;
}

/** All of one benchmark have the same figures, in the same order. */
export type Measurement = readonly Figure[];
/** One measurement of each server, in the order of their names. */
export type Round = readonly Measurement[];

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
const LETTERS = 'ABCDEF';

export function shown(value: number | undefined, digits = 0): string {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const cells = (measurement: Measurement): string[] => measurement.map(({ value, digits }) => shown(value, digits));

function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const there = values.filter((value) => value !== undefined);
  return there.length === 0 ? undefined : median(there);
}

const valueOf = (round: Round, server: number, figure: number): number | undefined => round[server]?.[figure]?.value;

function medianOfServer(rounds: readonly Round[], server: number): Measurement {
  return rounds[0]![server]!.map((figure, i) => ({
    ...figure,
    value: medianOf(rounds.map((round) => valueOf(round, server, i))),
  }));
}

/** The median of one server's figures over another's in the same round. */
function ratios(rounds: readonly Round[], over: number, under: number): string[] {
  return rounds[0]![0]!.map((figure, i) => {
    if (!figure.comparable) return '';
    const each = rounds.map((round) => (valueOf(round, over, i) ?? NaN) / (valueOf(round, under, i) ?? NaN));
    return shown(medianOf(each.filter(Number.isFinite)), 2);
  });
}

/** A row for each measurement: for benchmarks of a few figures and many rounds. B is set against all others. */
export function tableOfRuns(names: readonly string[], rounds: readonly Round[]): string {
  const head = ['', ...rounds[0]![0]!.map(({ name }) => name)];
  const runs = rounds.flatMap((round, i) =>
    round.map((measurement, at) => [`${i + 1}${LETTERS[at]} ${names[at]}`, ...cells(measurement)]),
  );
  const medians = names.map((name, at) => [`median ${LETTERS[at]} ${name}`, ...cells(medianOfServer(rounds, at))]);
  const others = names.map((_, at) => at).filter((at) => at !== 1);
  const ratioRows = others.map((at) => [`median of B/${LETTERS[at]}`, ...ratios(rounds, 1, at)]);
  return markdownTable(head, [...runs, ...medians, ...ratioRows]);
}

/** A row for each figure, medians only: for benchmarks of many figures and few rounds. */
export function tableOfFigures(names: readonly [string, string], rounds: readonly Round[]): string {
  const a = cells(medianOfServer(rounds, 0));
  const b = cells(medianOfServer(rounds, 1));
  const ratio = ratios(rounds, 1, 0);
  const rows = rounds[0]![0]!.map(({ name }, i) => [name, a[i]!, b[i]!, ratio[i]!]);
  return markdownTable(['', `A ${names[0]}`, `B ${names[1]}`, 'B/A'], rows);
}

export function oneLine(measurement: Measurement): string {
  return measurement.map(({ name, value, digits }) => `${name} ${shown(value, digits)}`).join(', ');
}
