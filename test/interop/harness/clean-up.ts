// Ends the processes and deletes the folders of a test file or a measurement.
import { endAllChildren } from './children.js';
import { removeTemporaryFolders } from './temporary.js';

export async function cleanUp(): Promise<void> {
  await endAllChildren();
  removeTemporaryFolders();
}
