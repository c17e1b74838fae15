// Reads the project's own sources, and which file imports which.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export interface Import {
  /** as it is written */
  readonly specifier: string;
  /** path from the root where it is a file of ours, 'packages/client/src/routes.ts' */
  readonly file: string | undefined;
}

export interface Source {
  /** from the root, with '/' */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const IMPORT = /^(?:import|export)\s+(?:type\s+)?(?:[\w*{][^;'"]*?\s+from\s+)?['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

function walk(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : path.endsWith('.ts') ? [path] : [];
  });
}

function fileOf(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const path = resolve(dirname(from), specifier).replace(/\.js$/, '.ts');
  return relative(root, path).split(sep).join('/');
}

function read(path: string): Source {
  const text = readFileSync(path, 'utf8');
  const imports = [IMPORT, DYNAMIC].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, specifier]) => ({ specifier: specifier!, file: fileOf(path, specifier!) })),
  );
  return { path: relative(root, path).split(sep).join('/'), text, imports };
}

/** The sources of the packages and the sample app, without their tests. */
export const sources: readonly Source[] = [
  'packages/remoting',
  'packages/client',
  'packages/broker',
  'packages/nest-rocketmq',
  'sample-app',
]
  .flatMap((folder) => walk(join(root, folder, 'src')))
  .filter((path) => !path.endsWith('.test.ts'))
  .map(read);

export const testSources: readonly Source[] = ['packages', 'sample-app/src', 'test', 'bench']
  .flatMap((folder) => walk(join(root, folder)))
  .filter((path) => !path.includes(`${sep}dist${sep}`) && !path.includes(`${sep}node_modules${sep}`))
  .filter((path) => path.endsWith('.test.ts') || !path.includes(`${sep}src${sep}`))
  .map(read);

/** 'packages/client/src/routes.ts' → 'client' */
export function packageOf(path: string): string {
  return path.startsWith('packages/') ? path.split('/')[1]! : path.split('/')[0]!;
}
