// Finds the error classes of the packages, and the codes of each, in the sources.
import { packageOf, sources } from './sources.js';

export interface ErrorClass {
  readonly name: string;
  /** npm name */
  readonly package: string;
  readonly path: string;
  readonly codes: readonly string[];
}

interface Found {
  readonly name: string;
  readonly parent: string;
  readonly path: string;
  /** What stands between the braces. */
  readonly body: string;
  /** Its code is a parameter: whoever constructs it chooses one. */
  readonly generic: boolean;
}

const BASE = 'RocketMQError';
const CLASS = /^(?:export )?class (\w+)(<[^{]*?>)? extends (\w+)(?:<[^{]*>)? \{/gm;

const libraries = sources.filter(({ path }) => path.startsWith('packages/'));

function npmNameOf(path: string): string {
  const folder = packageOf(path);
  return folder === 'nest-rocketmq' ? folder : `@nest-rocketmq/${folder}`;
}

function classesIn({ path, text }: (typeof libraries)[number]): Found[] {
  return [...text.matchAll(CLASS)].map((match) => {
    const [head, name = '', parameters, parent = ''] = match;
    const from = match.index + head.length;
    const end = text.startsWith('}', from) ? from : text.indexOf('\n}', from);
    return { name, parent, path, body: text.slice(from, end), generic: parameters !== undefined };
  });
}

/** All classes that are errors, by what they extend. */
export function errorClasses(): ErrorClass[] {
  const all = libraries.flatMap(classesIn);
  const byName = new Map(all.map((found) => [found.name, found]));
  const isError = ({ parent }: Found): boolean => {
    const above = byName.get(parent);
    return parent === 'Error' || (above !== undefined && isError(above));
  };
  const codesOf = (found: Found): string[] => {
    if (found.generic) return codesGivenTo(found.name);
    const own = /super\(\s*'([A-Z_]+)'/.exec(found.body)?.[1];
    const above = byName.get(found.parent);
    return own !== undefined ? [own] : above ? codesOf(above) : [];
  };
  return all.filter(isError).map((found) => ({
    name: found.name,
    package: npmNameOf(found.path),
    path: found.path,
    codes: codesOf(found),
  }));
}

function codesGivenTo(name: string): string[] {
  const given = new RegExp(`new ${name}\\(\\s*'([A-Z_]+)'`, 'g');
  const codes = libraries.flatMap(({ text }) => [...text.matchAll(given)].map(([, code = '']) => code));
  return [...new Set(codes)].toSorted();
}

/** The classes that do not extend RocketMQError. */
export function strangers(): string[] {
  const all = libraries.flatMap(classesIn);
  return all
    .filter(({ name, parent }) => parent === 'Error' && name !== BASE)
    .map(({ name, path }) => `${path}: ${name}`);
}

/** Where a plain error is made. */
export function plainErrors(): string[] {
  return libraries.flatMap(({ path, text }) =>
    [...text.matchAll(/new (?:Type|Range|Syntax|Aggregate)?Error\(/g)].map(([match]) => `${path}: ${match}`),
  );
}
