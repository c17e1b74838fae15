// Owns one file of fixed size and the loops around short reads and writes. Leaves which files there are to
// segment-files.ts, and how many are open at once to open-files.ts.
import { fileError } from './memory-file-system.js';
import type { AsideFile, StoreFile } from './file-system.js';

/** Writes all of it. @throws what the file throws; then any prefix may have been written */
export function writeFully(file: StoreFile, source: Buffer, offset: number, length: number, position: number): void {
  for (let done = 0; done < length;) {
    const written = file.write(source, offset + done, length - done, position + done);
    // A file that takes nothing and reports no error would be asked for ever.
    if (written <= 0) throw fileError('EIO', 'write returned 0');
    done += written;
  }
}

/** The same off the caller's thread. */
export async function writeFullyAside(
  file: AsideFile,
  source: Buffer,
  offset: number,
  length: number,
  position: number,
): Promise<void> {
  for (let done = 0; done < length;) {
    const written = await file.writeAside(source, offset + done, length - done, position + done);
    if (written <= 0) throw fileError('EIO', 'write returned 0');
    done += written;
  }
}

/** Reads until `length` bytes or the end of the file; returns how many. */
export function readFully(file: StoreFile, target: Buffer, offset: number, length: number, position: number): number {
  let done = 0;
  while (done < length) {
    const count = file.read(target, offset + done, length - done, position + done);
    if (count <= 0) break;
    done += count;
  }
  return done;
}

/** The same off the caller's thread. */
export async function readFullyAside(
  file: AsideFile,
  target: Buffer,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  let done = 0;
  while (done < length) {
    const count = await file.readAside(target, offset + done, length - done, position + done);
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
export function writeZeros(file: StoreFile, position: number, length: number): void {
  for (let done = 0; done < length;) {
    const part = Math.min(ZEROS.length, length - done);
    writeFully(file, ZEROS, 0, part, position + done);
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
