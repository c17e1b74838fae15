// Owns a producer that sends one message after the other, and how long each send took.
import { Requests, type Connection } from '@nest-rocketmq/remoting';
import { openConnection } from './puller.js';

/** Between two sends, so that the producer measures and does not load. ms */
const PAUSE_MS = 2;

export class LatencyProbe {
  private readonly times: number[] = [];
  private ending = false;
  private running: Promise<void> = Promise.resolve();

  private constructor(
    private readonly connection: Connection,
    private readonly topic: string,
  ) {}

  static async start(address: string, topic: string): Promise<LatencyProbe> {
    const probe = new LatencyProbe(await openConnection(address), topic);
    probe.running = probe.run();
    return probe;
  }

  /** Ends; ms at the 50th and 99th percentile. */
  async stop(): Promise<{ count: number; p50: number; p99: number }> {
    this.ending = true;
    await this.running;
    this.connection.close();
    const sorted = this.times.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
    return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
  }

  private async run(): Promise<void> {
    const body = Buffer.alloc(128, 'x');
    for (let i = 0; !this.ending; i++) {
      const start = performance.now();
      await this.connection.request(
        Requests.SEND_MESSAGE_V2,
        {
          a: 'probe',
          b: this.topic,
          c: 'TBW102',
          d: 4,
          e: i % 4,
          f: 0,
          g: Date.now(),
          h: 0,
          i: '',
          j: 0,
          k: false,
          m: false,
        },
        { body, timeout: 60_000 },
      );
      this.times.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
