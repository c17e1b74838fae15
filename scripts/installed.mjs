// Checks whether the installed packages are those of the lock file, whoever ran npm.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const packagesIn = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

/** npm writes down what it has installed in node_modules/.package-lock.json. @param {string} root */
export function isInstalled(root) {
  const file = join(root, 'node_modules', '.package-lock.json');
  return existsSync(file) && hasAll(packagesIn(join(root, 'package-lock.json')), packagesIn(file));
}

function hasAll(wanted, installed) {
  return Object.entries(wanted).every(([path, { version, integrity, link, optional, peer }]) => {
    if (!path.startsWith('node_modules/')) return true;
    const found = installed[path];
    // Builds for other platforms, and what only some package's peer would like to have, need not be there.
    if (!found) return optional === true || peer === true;
    return Boolean(found.link) === Boolean(link) && found.version === version && found.integrity === integrity;
  });
}
