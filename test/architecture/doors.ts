// Finds what a package's public door exports, and whether its declaration has a docstring.
import { posix } from 'node:path';
import { packageOf, sources } from './sources.js';
import type { Source } from './sources.js';

export interface Export {
  readonly name: string;
  /** Where it is declared. */
  readonly path: string;
  readonly documented: boolean;
}

const EXPORTS = /^export (?:type )?\{([^}]*)\} from '([^']+)';/gm;

const IMPORTS = /^import (?:type )?\{([^}]*)\} from '([^']+)';/gm;

function sourceOf(path: string): Source {
  const found = sources.find((source) => source.path === path);
  if (!found) throw new Error(`there is no source ${path}`);
  return found;
}

/** The file of ours that `specifier` names; undefined for another package than ours. */
function fileOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier.replace(/\.js$/, '.ts'));
  const [, name, internal] = /^@nest-rocketmq\/(\w+)(\/internal)?$/.exec(specifier) ?? [];
  return name === undefined ? undefined : `packages/${name}/src/${internal ? 'internal' : 'index'}.ts`;
}

/** What a door exports, followed to where it is declared, through other doors where need be. */
export function exportsOf(door: string): Export[] {
  const { text } = sourceOf(door);
  return [...text.matchAll(EXPORTS)].flatMap(([, list = '', specifier = '']) => {
    const file = fileOf(door, specifier);
    if (file === undefined) return [];
    const names = list
      .split(',')
      .map((entry) => entry.trim().replace(/^type /, ''))
      .filter((entry) => entry !== '');
    return names.map((entry) => {
      const [declared = '', name = declared] = entry.split(' as ');
      return { ...resolve(file, declared), name };
    });
  });
}

function resolve(file: string, name: string): Export {
  const { text } = sourceOf(file);
  const declaration = new RegExp(
    `((?:/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\n)?)(?:@.*\\n)*export (?:declare )?(?:abstract )?` +
      `(?:async )?(?:class|interface|type|const|function\\*?|enum) ${name}\\b`,
  ).exec(text);
  if (declaration) return { name, path: file, documented: declaration[1] !== '' };
  const passedOn = exportsOf(file).find((each) => each.name === name) ?? importedTo(file, name);
  if (!passedOn) throw new Error(`${file} does not declare ${name} (${packageOf(file)})`);
  return passedOn;
}

/** Where a name comes from that a file imports, and exports in a statement of its own. */
function importedTo(file: string, name: string): Export | undefined {
  for (const [, list = '', specifier = ''] of sourceOf(file).text.matchAll(IMPORTS)) {
    const from = fileOf(file, specifier);
    if (from !== undefined && new RegExp(`\\b${name}\\b`).test(list)) return resolve(from, name);
  }
  return undefined;
}
