// Replaces a package's compiled files before npm packs them by the same code without comments and without links to source
// maps, takes out the declarations that no user's types reach, and restores all afterwards. Comments are for readers of a
// clone, where the sources and their maps are; what users read stands in the .d.ts files. A link to a map that is not there
// makes bundlers warn.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publicTypes } from './public-types.mjs';

const TSC = join(import.meta.dirname, '../node_modules/typescript/bin/tsc');
/** The same build, but for comments, types and maps. */
const FLAGS =
  '--removeComments --declaration false --declarationMap false --sourceMap false --composite false --incremental false';
const BUILDS = { esm: 'tsconfig.json', cjs: 'tsconfig.cjs.json' };
const FORMATS = { esm: 'import', cjs: 'require' };
const INTERNAL_DOOR = 'internal.d.ts';
const NO_TYPES = 'export {};\n';
/** Beside `dist`, so that npm packs none of them. */
const ORIGINALS = '.dist-with-comments';
const DRAFT = `${ORIGINALS}.tmp`;
const STRIPPED = '.dist-without-comments';

/** A process that starts meanwhile reads one or the other, never half a file. */
function replace(file, code) {
  writeFileSync(`${file}.tmp`, code);
  renameSync(`${file}.tmp`, file);
}

const filesIn = (folder, ending) => readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(ending));

/** Takes the declarations away that no public door reaches. Those of a door stay as files, since package.json names them. */
function removeUnreached(folder, dist) {
  const packages = resolve(folder, '..');
  for (const [build, format] of Object.entries(FORMATS)) {
    const reached = publicTypes(packages, format);
    const unreached = filesIn(join(dist, build), '.d.ts').filter((name) => !reached.has(resolve(dist, build, name)));
    for (const name of unreached) {
      const file = join(dist, build, name);
      if (name === INTERNAL_DOOR) replace(file, NO_TYPES);
      else rmSync(file);
    }
  }
}

function prepare(folder) {
  const [dist, originals, draft, stripped] = ['dist', ORIGINALS, DRAFT, STRIPPED].map((name) => join(folder, name));
  if (!existsSync(dist)) throw new Error(`${dist} is missing: run \`npm run build\` first`);
  if (existsSync(originals))
    throw new Error(
      `${originals} is there: another \`npm pack\` runs, or one was killed; \`npm run build\` restores dist`,
    );
  cpSync(dist, draft, { recursive: true, filter: (path) => !path.endsWith('.map') });
  renameSync(draft, originals);
  try {
    for (const [build, project] of Object.entries(BUILDS)) {
      const outDir = join(stripped, build);
      const args = [TSC, '-p', join(folder, project), ...FLAGS.split(' '), '--outDir', outDir];
      execFileSync(process.execPath, args, { stdio: 'inherit' });
      for (const name of filesIn(outDir, '.js'))
        replace(join(dist, build, name), readFileSync(join(outDir, name), 'utf8'));
    }
    removeUnreached(folder, dist);
  } catch (error) {
    restore(folder);
    throw error;
  } finally {
    rmSync(stripped, { recursive: true, force: true });
  }
}

/**
 * Brings back what `prepare` has replaced, and does nothing where there is nothing to bring back.
 * @param {string} folder of the package
 */
export function restore(folder) {
  for (const leftover of [DRAFT, STRIPPED]) rmSync(join(folder, leftover), { recursive: true, force: true });
  const originals = join(folder, ORIGINALS);
  if (!existsSync(originals)) return;
  for (const name of [...filesIn(originals, '.js'), ...filesIn(originals, '.d.ts')])
    replace(join(folder, 'dist', name), readFileSync(join(originals, name), 'utf8'));
  rmSync(originals, { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [action] = process.argv.slice(2);
  if (action === 'prepare') prepare('.');
  else if (action === 'restore') restore('.');
  else {
    console.error('Usage, in the folder of a package: node packed-code.mjs prepare|restore');
    process.exit(2);
  }
}
