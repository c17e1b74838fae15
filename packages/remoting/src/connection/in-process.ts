// Connects two streams within the process: each reads what the other writes.
import { Duplex } from 'node:stream';
import { ConnectionClosedError } from '../errors.js';

class PairedStream extends Duplex {
  #peer: PairedStream | undefined;
  #resume: (() => void) | undefined;

  pair(peer: PairedStream): void {
    this.#peer = peer;
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const peer = this.#peer;
    if (!peer || peer.destroyed) return done(new ConnectionClosedError('in-process', 'the other end has closed it'));
    // Deferred, as a socket does it, so that neither end runs within a call of the other.
    process.nextTick(() => {
      if (peer.destroyed) return done();
      if (peer.push(chunk)) return done();
      peer.#resume = () => done();
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    const peer = this.#peer;
    process.nextTick(() => {
      if (peer && !peer.destroyed) peer.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const peer = this.#peer;
    this.#peer = undefined;
    this.#resume?.();
    process.nextTick(() => {
      if (peer && !peer.destroyed) peer.destroy();
    });
    done(error);
  }
}

/** Two connected streams: what is written to one is read from the other. */
export function duplexPair(): [Duplex, Duplex] {
  const left = new PairedStream();
  const right = new PairedStream();
  left.pair(right);
  right.pair(left);
  return [left, right];
}
