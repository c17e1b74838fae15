// Bundles a package's compiled modules into a file for each of its doors and a few that these share, as ES modules and as
// CommonJS. Node takes about half a millisecond for each file that it loads, and an app with the embedded broker needs 546 of
// our modules. Names of functions and classes stay, and a comment before each module says which it is.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

/** The broker's command, which no door exports. */
const PROGRAM = 'main.js';
/**
 * The doors of nest-rocketmq share modules in many combinations, each of which would be a file. Other packages' doors do not,
 * and the broker's errors must stay apart: an app on a cluster loads them and not the broker.
 */
const MERGED = { 'nest-rocketmq': { groups: [{ name: 'core', test: /[\\/]esm[\\/]index\.js$/ }] } };

/** The format by which each build is loaded, as package.json has it. */
const FORMATS = { esm: 'import', cjs: 'require' };

const OUTPUT = {
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name].js',
  keepNames: true,
  minifyInternalExports: false,
  // One character beyond Latin-1 makes the whole file take two bytes each, which Node is slower to read.
  charset: 'ascii',
  comments: { annotation: false, jsdoc: false, legal: false },
};
const COMMONJS = {
  esModule: true,
  strict: true,
  // A CommonJS app must not load the ES modules of another package beside its CommonJS ones.
  dynamicImportInCjs: false,
  // What we export is never assigned again.
  externalLiveBindings: false,
};

/** @returns {Record<string, string>} the modules that are loaded from outside: name without ending to path */
function entriesOf(dist, build, manifest) {
  const files = Object.values(manifest.exports).flatMap((door) => door[FORMATS[build]]?.default ?? []);
  const names = files.map((file) => file.slice(`./dist/${build}/`.length));
  if (build === 'esm' && existsSync(join(dist, build, PROGRAM))) names.push(PROGRAM);
  // Both builds come from the compiled ES modules.
  return Object.fromEntries(names.map((name) => [name.replace(/\.js$/, ''), join(dist, 'esm', name)]));
}

function fail(level, log) {
  throw new Error(`rolldown, ${level}: ${log.message}`);
}

/**
 * @param {string} folder of a package that is built
 * @param {string} output folder in which `esm` and `cjs` are made
 */
export async function bundle(folder, output) {
  const dist = resolve(folder, 'dist');
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const build of Object.keys(FORMATS)) {
    const input = {
      input: entriesOf(dist, build, manifest),
      cwd: join(dist, 'esm'),
      platform: 'node',
      external: (id) => !/^\.{0,2}[\\/]|^[A-Za-z]:/.test(id),
      treeshake: false,
      onLog: fail,
    };
    const code = await rolldown(input);
    const format = build === 'cjs' ? { format: 'cjs', ...COMMONJS } : { format: 'esm' };
    const codeSplitting = MERGED[manifest.name] ?? true;
    await code.write({ ...OUTPUT, ...format, codeSplitting, dir: resolve(output, build) });
    await code.close();
  }
}
