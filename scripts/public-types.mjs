// Finds the type declarations that users can reach: those of each package's public doors, and what these import.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The door of a package that only our own packages and tests use. */
const INTERNAL = './internal';
const IMPORTED = /(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g;

/**
 * @param {string} packages the folder with all packages, built
 * @param {'import' | 'require'} format whose declarations
 * @returns {Set<string>} paths of .d.ts files
 */
export function publicTypes(packages, format) {
  const manifests = new Map(
    readdirSync(packages)
      .map((name) => join(packages, name))
      .filter((folder) => existsSync(join(folder, 'package.json')))
      .map((folder) => [folder, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))]),
  );
  const typesOf = (folder, entry) => entry?.[format]?.types && join(folder, entry[format].types);

  function resolve(specifier, from) {
    if (specifier.startsWith('.')) return join(dirname(from), specifier.replace(/\.js$/, '.d.ts'));
    for (const [folder, { name, exports }] of manifests)
      if (specifier === name || specifier.startsWith(`${name}/`))
        return typesOf(folder, exports[`.${specifier.slice(name.length)}`]);
    return undefined;
  }

  const reached = new Set();
  function visit(file) {
    if (!file || reached.has(file) || !existsSync(file)) return;
    reached.add(file);
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(IMPORTED)) visit(resolve(specifier, file));
  }
  for (const [folder, { exports }] of manifests)
    for (const [door, entry] of Object.entries(exports ?? {})) if (door !== INTERNAL) visit(typesOf(folder, entry));
  return reached;
}
