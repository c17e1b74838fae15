// Owns the end of a test file or a measurement: no process and no folder of it stays behind.
import { endAllChildren } from './children.js';
import { removeTemporaryFolders } from './temporary.js';

export async function cleanUp(): Promise<void> {
  await endAllChildren();
  removeTemporaryFolders();
}
