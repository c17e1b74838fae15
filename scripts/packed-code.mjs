// Replaces a package's compiled files before npm packs them by the same code without comments and without links to source
// maps, and restores them afterwards. Comments are for readers of a clone, where the sources and their maps are; what users
// read stands in the .d.ts files. A link to a map that is not there makes bundlers warn.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TSC = join(import.meta.dirname, '../node_modules/typescript/bin/tsc');
/** The same build, but for comments, types and maps. */
const FLAGS =
  '--removeComments --declaration false --declarationMap false --sourceMap false --composite false --incremental false';
const BUILDS = { esm: 'tsconfig.json', cjs: 'tsconfig.cjs.json' };
/** Beside `dist`, so that npm packs neither. */
const ORIGINALS = '.dist-with-comments';
const STRIPPED = '.dist-without-comments';

const [action] = process.argv.slice(2);
if (action !== 'prepare' && action !== 'restore') {
  console.error('Usage, in the folder of a package: node packed-code.mjs prepare|restore');
  process.exit(2);
}

/** A process that starts meanwhile reads one or the other, never half a file. */
function replace(file, code) {
  writeFileSync(`${file}.tmp`, code);
  renameSync(`${file}.tmp`, file);
}

const compiled = (folder) => readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.js'));

function prepare() {
  // Left by a run that was killed: what is in `dist` then is not what was compiled.
  if (existsSync(ORIGINALS)) restore();
  cpSync('dist', ORIGINALS, { recursive: true, filter: (path) => !path.endsWith('.map') });
  for (const [folder, project] of Object.entries(BUILDS)) {
    const outDir = join(STRIPPED, folder);
    execFileSync(process.execPath, [TSC, '-p', project, ...FLAGS.split(' '), '--outDir', outDir], { stdio: 'inherit' });
    for (const name of compiled(outDir)) replace(join('dist', folder, name), readFileSync(join(outDir, name), 'utf8'));
  }
  rmSync(STRIPPED, { recursive: true });
}

function restore() {
  for (const name of compiled(ORIGINALS)) replace(join('dist', name), readFileSync(join(ORIGINALS, name), 'utf8'));
  rmSync(ORIGINALS, { recursive: true });
}

if (action === 'prepare') prepare();
else if (existsSync(ORIGINALS)) restore();
