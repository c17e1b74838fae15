// Reads and writes in full where a file takes or gives fewer bytes at once, and names the files of fixed size.
import { fileError } from '../errors.js';
import type { StoreFile } from './file-system.js';

/** Writes all of it. @throws what the file throws; then any prefix may have been written */
export async function writeFully(
  file: Pick<StoreFile, 'write'>,
  source: Buffer,
  offset: number,
  length: number,
  position: number,
): Promise<void> {
  for (let done = 0; done < length;) {
    const written = await file.write(source, offset + done, length - done, position + done);
    // A file that takes nothing and reports no error would be asked for ever.
    if (written <= 0) throw fileError('EIO', 'write returned 0');
    done += written;
  }
}

/** Reads until `length` bytes or the end of the file; resolves with how many. */
export async function readFully(
  file: Pick<StoreFile, 'read'>,
  target: Buffer,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  let done = 0;
  while (done < length) {
    const count = await file.read(target, offset + done, length - done, position + done);
    if (count <= 0) break;
    done += count;
  }
  return done;
}

const ZEROS = Buffer.alloc(65_536);

export function isZero(bytes: Buffer, length: number): boolean {
  for (let done = 0; done < length; done += ZEROS.length) {
    const part = Math.min(ZEROS.length, length - done);
    if (bytes.compare(ZEROS, 0, part, done, done + part) !== 0) return false;
  }
  return true;
}

/** Overwrites a range with zeros. */
export async function writeZeros(file: Pick<StoreFile, 'write'>, position: number, length: number): Promise<void> {
  for (let done = 0; done < length;) {
    const part = Math.min(ZEROS.length, length - done);
    await writeFully(file, ZEROS, 0, part, position + done);
    done += part;
  }
}

const NAME_DIGITS = 20;

/** Apache's name of the file that begins at `start`: 20 decimal digits. */
export function segmentName(start: number): string {
  return String(start).padStart(NAME_DIGITS, '0');
}

/** Where the file of that name begins; undefined for any other name. */
export function segmentStart(name: string): number | undefined {
  return /^\d{20}$/.test(name) ? Number(name) : undefined;
}
