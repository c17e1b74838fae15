import type { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';

/** A stream of bytes of a MessagePort. */
export declare class PortStream extends Duplex {
  constructor(port: MessagePort);
}
