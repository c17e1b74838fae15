// Finds the app's name, the default for groups, in the nearest package.json at or above the working directory.
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { GROUP_MAX_LENGTH } from '@nest-rocketmq/remoting/internal';

const FALLBACK = 'nest-app';

/** The name with '-' in place of characters that a group must not have: '@shop/orders' becomes 'shop-orders'. */
export function appName(directory: string = process.cwd()): string {
  return sanitised(nameInPackageJson(directory) ?? basename(directory)) || FALLBACK;
}

function nameInPackageJson(directory: string): string | undefined {
  for (let current = directory; ; current = dirname(current)) {
    const file = join(current, 'package.json');
    const name = existsSync(file) ? nameOf(readFileSync(file, 'utf8')) : undefined;
    if (name !== undefined) return name;
    if (dirname(current) === current) return undefined;
  }
}

function nameOf(packageJson: string): string | undefined {
  try {
    const { name } = JSON.parse(packageJson) as { name?: unknown };
    return typeof name === 'string' && name.length > 0 ? name : undefined;
  } catch {
    // Broken: npm will complain. It must not keep an app from starting.
    return undefined;
  }
}

function sanitised(name: string): string {
  return name
    .replace(/[^a-zA-Z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, GROUP_MAX_LENGTH);
}
