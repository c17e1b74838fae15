// Makes a stream of bytes of a MessagePort: what is written at one end is read at the other.
import { Duplex } from 'node:stream';

export class PortStream extends Duplex {
  #port;
  /** The other end has taken what was written last. */
  #taken;
  /** This end is read again: the other one may write. */
  #hold = false;

  constructor(port) {
    super();
    this.#port = port;
    port.on('message', (message) => this.#got(message));
    port.on('close', () => this.destroy());
  }

  _write(chunk, _encoding, callback) {
    this.#taken = callback;
    this.#port.postMessage({ chunk });
  }

  _final(callback) {
    this.#port.postMessage({ end: true });
    callback();
  }

  _read() {
    if (!this.#hold) return;
    this.#hold = false;
    this.#port.postMessage({ taken: true });
  }

  _destroy(error, callback) {
    this.#port.close();
    callback(error);
  }

  #got({ chunk, end, taken }) {
    if (taken) return this.#taken?.();
    if (end) return void this.push(null);
    this.#hold = !this.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (!this.#hold) this.#port.postMessage({ taken: true });
  }
}
