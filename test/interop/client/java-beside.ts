// Runs Java's push consumers beside ours on a replicated cluster, through a proxy that notes their requests.
import { JavaPeer } from '../harness/java-peer.js';
import type { PeerEvent } from '../harness/java-peer.js';
import { ROCKETMQ_5 } from '../harness/jars.js';
import { RequestLog } from '../harness/request-log.js';
import { RequestProxy } from '../harness/request-proxy.js';
import { Arrivals } from './steady-load.js';

const START_TIMEOUT_MS = 60_000;
const SCENARIO = 'replica';
/** By default every 20 s: it renews locks as often as our client of the same test, and looks as soon as ours who is a member. ms */
const INTERVALS = {
  'rocketmq.client.rebalance.lockInterval': '2000',
  'rocketmq.client.rebalance.waitInterval': '2000',
};

/** The scenario's consumers. */
export type JavaConsumer = 'steady' | 'ordered' | 'default';

export class JavaBeside {
  readonly requests: RequestLog;
  readonly #arrivals: Record<JavaConsumer, Arrivals> = {
    steady: new Arrivals(),
    ordered: new Arrivals(),
    default: new Arrivals(),
  };
  #peer: JavaPeer | undefined;
  /** Events that the arrivals have. */
  #read = 0;

  private constructor(private readonly proxy: RequestProxy) {
    this.requests = proxy.log;
  }

  /** @param names the scenario's properties, such as `topic.steady` */
  static async start(nameServer: string, run: string, names: Record<string, string>): Promise<JavaBeside> {
    const java = new JavaBeside(await RequestProxy.before(nameServer, new RequestLog()));
    const flags = Object.entries({ ...INTERVALS, ...names }).map(([name, value]) => `-D${name}=${value}`);
    java.#peer = await JavaPeer.start(ROCKETMQ_5, java.proxy.nameServer, run, [SCENARIO], flags);
    await java.line(/"event":"started"/);
    return java;
  }

  /** A line that the peer has printed, or prints within a minute. */
  line(pattern: RegExp): Promise<string> {
    return this.#peer!.line(pattern, START_TIMEOUT_MS);
  }

  /** What a consumer has been given so far. */
  took(consumer: JavaConsumer): Arrivals {
    const all = this.#events;
    for (; this.#read < all.length; this.#read++) {
      const event = all[this.#read]!;
      if (event.event === 'took') this.#arrivals[event['what'] as JavaConsumer].add(messageOf(event));
    }
    return this.#arrivals[consumer];
  }

  get #events(): readonly PeerEvent[] {
    return this.#peer!.soFar(SCENARIO).all;
  }

  /** A clean stop of the clients. */
  async stop(): Promise<void> {
    await this.#peer?.stop();
    this.proxy.close();
  }
}

function messageOf({ body, brokerName, queueId, queueOffset }: PeerEvent) {
  return {
    body: Buffer.from(String(body)),
    brokerName: String(brokerName),
    queueId: Number(queueId),
    queueOffset: Number(queueOffset),
  };
}
