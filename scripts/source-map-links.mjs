// Removes the links to source maps from a package's compiled files before npm packs them, and restores them afterwards.
// Source maps stay in the clone, where the sources are: a tarball has neither, and a link to a missing file makes bundlers warn.
import { existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const LINK = /\n?\/\/# sourceMappingURL=.*\n?$/;

const [action] = process.argv.slice(2);
if (action !== 'remove' && action !== 'restore') {
  console.error('Usage, in the folder of a package: node source-map-links.mjs remove|restore');
  process.exit(2);
}

for (const name of readdirSync('dist', { recursive: true })) {
  const file = join('dist', name);
  if (!file.endsWith('.js') || !existsSync(`${file}.map`)) continue;
  const before = readFileSync(file, 'utf8');
  const code = before.replace(LINK, '\n');
  const after = action === 'remove' ? code : `${code}//# sourceMappingURL=${basename(file)}.map`;
  if (after === before) continue;
  // A process that starts meanwhile reads one or the other, never half a file.
  writeFileSync(`${file}.tmp`, after);
  renameSync(`${file}.tmp`, file);
}
