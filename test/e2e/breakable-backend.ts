// Provides an embedded broker that a test can cut off from its app.
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import { EmbeddedBackend } from 'nest-rocketmq';
import type { Dial, RocketMQBackend } from 'nest-rocketmq';
import { ManualClock } from 'nest-rocketmq/testing';

/** An embedded broker whose wires can be cut. */
export class Breakable implements RocketMQBackend {
  readonly name = 'breakable';
  readonly clock = new ManualClock();
  readonly localOffsetStoreDir = 'memory';
  readonly #inner = new EmbeddedBackend({ store: 'memory', clock: this.clock }, new Logger());
  readonly #streams = new Set<Duplex>();
  isCut = false;

  readonly dial: Dial = async (...given) => {
    if (this.isCut) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const stream = (await this.#inner.dial(...given)) as Duplex;
    this.#streams.add(stream);
    return stream;
  };

  start = (): Promise<string> => this.#inner.start();
  stop = (): Promise<void> => this.#inner.stop();

  cut(): void {
    this.isCut = true;
    for (const stream of this.#streams) stream.destroy();
    this.#streams.clear();
  }
}
