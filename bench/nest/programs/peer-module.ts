// Loads what a peer needs from a folder outside of this repository, so that the project does not depend on it.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { task } from './task.js';

const requireThere = createRequire(join(task.peers, 'package.json'));

export const load = <T>(name: string): T => requireThere(name) as T;
