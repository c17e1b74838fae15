// Appends bytes to files of 1 GiB in a folder, as a commit log grows.
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILE_BYTES = 1024 ** 3;

export class LogFile {
  private file: number | undefined;
  private written = 0;
  private files = 0;

  constructor(private readonly folder: string) {}

  append(bytes: Buffer): void {
    if (this.file === undefined || this.written >= FILE_BYTES) this.roll();
    for (let done = 0; done < bytes.length;) done += writeSync(this.file!, bytes, done);
    this.written += bytes.length;
  }

  private roll(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = openSync(join(this.folder, `log-${this.files++}`), 'a');
    this.written = 0;
  }
}
