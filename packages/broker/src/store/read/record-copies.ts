// Copies records to memory of their own, in as few pieces as can be foreseen: each piece costs the socket a call.
import { copyBytes } from '@nest-rocketmq/remoting/internal';

const NO_BYTES = Buffer.alloc(0);

export class RecordCopies {
  count = 0;
  bytes = 0;
  readonly #pieces: Buffer[] = [];
  #last: Buffer = NO_BYTES;
  #used = 0;

  constructor(private readonly memory: (bytes: number) => Buffer) {}

  fits(size: number): boolean {
    return this.#used + size <= this.#last.length;
  }

  /** Begins a piece for the next records. */
  begin(bytes: number): void {
    this.#endPiece();
    this.#last = this.memory(bytes);
    this.#used = 0;
  }

  add(source: Buffer, at: number, size: number): void {
    copyBytes(source, at, at + size, this.#last, this.#used);
    this.#used += size;
    this.bytes += size;
    this.count++;
  }

  /** Takes a whole record as it is. */
  adopt(record: Buffer): void {
    this.#endPiece();
    this.#pieces.push(record);
    this.bytes += record.length;
    this.count++;
  }

  done(): Buffer[] {
    this.#endPiece();
    return this.#pieces;
  }

  #endPiece(): void {
    if (this.#used > 0) this.#pieces.push(this.#last.subarray(0, this.#used));
    this.#used = 0;
    this.#last = NO_BYTES;
  }
}
