// Replaces a package's `dist` before npm packs it by the one that users install, and brings the built one back afterwards.
// The code is bundled, and has neither comments nor source maps: those are for a clone, where the sources are. Types stay
// a file for each module, with their comments, but for those that no user's types reach.
import { cpSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundle } from './bundle.mjs';
import { publicTypes } from './public-types.mjs';
import { BUILT, PACKED, restore } from './restore.mjs';

const FORMATS = { esm: 'import', cjs: 'require' };
const TYPES = '.d.ts';
const INTERNAL_DOOR = 'internal.d.ts';
const NO_TYPES = 'export {};\n';

/** Those of a door stay as files, since package.json names them. */
function copyReachedTypes(folder, packed) {
  for (const [build, format] of Object.entries(FORMATS)) {
    const from = resolve(folder, 'dist', build);
    const reached = publicTypes(resolve(folder, '..'), format);
    for (const name of readdirSync(from, { recursive: true }).filter((file) => file.endsWith(TYPES))) {
      if (reached.has(join(from, name))) cpSync(join(from, name), join(packed, build, name));
      else if (name === INTERNAL_DOOR) writeFileSync(join(packed, build, name), NO_TYPES);
    }
  }
}

async function prepare(folder) {
  const [dist, built, packed] = ['dist', BUILT, PACKED].map((name) => join(folder, name));
  if (!existsSync(dist)) throw new Error(`${dist} is missing: run \`npm run build\` first`);
  if (existsSync(built))
    throw new Error(`${built} is there: another \`npm pack\` runs, or one was killed; \`npm run build\` restores dist`);
  rmSync(packed, { recursive: true, force: true });
  await bundle(folder, packed);
  copyReachedTypes(folder, packed);
  cpSync(join(dist, 'cjs/package.json'), join(packed, 'cjs/package.json'));
  renameSync(dist, built);
  renameSync(packed, dist);
}

const [action] = process.argv.slice(2);
if (action === 'prepare') await prepare('.');
else if (action === 'restore') restore('.');
else {
  console.error('Usage, in the folder of a package: node packed-code.mjs prepare|restore');
  process.exit(2);
}
