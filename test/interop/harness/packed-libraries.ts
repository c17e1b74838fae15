// Packs the libraries as npm publishes them, and installs them in an app outside the workspace.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './children.js';
import { LIBRARIES, clonePackages } from './package-clone.js';
import { temporaryFolder } from './temporary.js';

/** Runs a command to its end. Rejects with its last lines if it fails. */
export async function run(command: string, args: string[], cwd: string): Promise<string[]> {
  const lines: string[] = [];
  const env = { NODE_OPTIONS: '', ROCKETMQ_NAME_SERVER: '' };
  const child: Child = startChild(`${command} ${args[0]}`, command, args, {
    cwd,
    env,
    onLine: (line) => lines.push(line),
  });
  const { code, signal } = await child.exited;
  if (code !== 0) throw child.failure(`ended with ${signal ?? code}`);
  return lines;
}

/** @returns a new folder, and the tarballs in it */
export async function packLibraries(name: string): Promise<{ folder: string; tarballs: string[] }> {
  const folder = temporaryFolder(name);
  const packages = LIBRARIES.map((library) => `./packages/${library}`);
  await run('npm', ['pack', '--loglevel=error', `--pack-destination=${folder}`, ...packages], clonePackages());
  return { folder, tarballs: readdirSync(folder).map((file) => join(folder, file)) };
}

/** Installs what the app's package.json names, and the tarballs. */
export async function installPacked(app: string, tarballs: readonly string[]): Promise<void> {
  const quick = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
  await run('npm', ['install', ...quick, `--prefix=${app}`, ...tarballs], app);
}
