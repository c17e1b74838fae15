// Runs the Java peer program: starts scenarios in one JVM, and returns the lines of each when it has ended.
import { type Child, startChild } from './children.js';
import { javaPeerClasses, type RocketMQVersion } from './jars.js';
import { temporaryFolder } from './temporary.js';

const SCENARIO_TIMEOUT_MS = 120_000;
const EVENTS_IN_AN_ERROR = 20;
const HEAP = ['-Xms64m', '-Xmx384m', '-XX:TieredStopAtLevel=1'];

/** One line of the peer: `event` and the fields that Run.java gives it. */
export interface PeerEvent {
  scenario: string;
  event: string;
  /** ms epoch at which it was printed. */
  at: number;
  [field: string]: unknown;
}

export class ScenarioEvents {
  constructor(readonly all: readonly PeerEvent[]) {}

  of(event: string): PeerEvent[] {
    return this.all.filter((line) => line.event === event);
  }

  /** One field of every line of an event, in order of time. */
  field<T = string>(event: string, field: string): T[] {
    return this.of(event).map((line) => line[field] as T);
  }

  bodies(event: string): string[] {
    return this.field(event, 'body');
  }
}

export class JavaPeer {
  private readonly events: PeerEvent[] = [];
  private child: Child | undefined;

  private constructor(readonly version: RocketMQVersion) {}

  /** Starts the scenarios, all at once, under names that begin with `run`. @param flags of the JVM */
  static async start(
    version: RocketMQVersion,
    nameServer: string,
    run: string,
    scenarios: readonly string[],
    flags: readonly string[] = [],
    program: 'peer.Peer' | 'peer.PopPeer' = 'peer.Peer',
  ): Promise<JavaPeer> {
    const classPath = await javaPeerClasses(version);
    const home = temporaryFolder('java-peer');
    const peer = new JavaPeer(version);
    peer.child = startChild(
      `Java client ${version}`,
      'java',
      [
        ...HEAP,
        ...flags,
        `-Duser.home=${home}`,
        `-Drocketmq.client.logRoot=${home}/logs`,
        '-cp',
        classPath,
        program,
        nameServer,
        run,
        ...scenarios,
      ],
      { onLine: (line) => peer.collect(line) },
    );
    return peer;
  }

  /** A line of the peer, past or to come. */
  line(pattern: RegExp, timeoutMs: number): Promise<string> {
    return this.child!.line(pattern, timeoutMs);
  }

  /** The events of a scenario, once it is done. Rejects when it failed, with the last that it printed. */
  async scenario(name: string): Promise<ScenarioEvents> {
    await this.child!.line(new RegExp(`"scenario":"${name}","event":"(done|failed)"`), SCENARIO_TIMEOUT_MS);
    const events = this.events.filter((event) => event.scenario === name);
    const failure = events.find((event) => event.event === 'failed');
    if (failure !== undefined) {
      const printed = events
        .slice(-EVENTS_IN_AN_ERROR)
        .map((event) => JSON.stringify(event))
        .join('\n');
      throw new Error(
        `scenario ${name} of the Java client ${this.version} failed: ${String(failure.error)}\n${printed}`,
      );
    }
    return new ScenarioEvents(events);
  }

  /** Waits for the program's own end. */
  async end(): Promise<void> {
    await this.child!.exited;
  }

  async kill(): Promise<void> {
    await this.child!.kill();
  }

  private collect(line: string): void {
    // Netty and the JVM may print warnings of their own.
    if (line.startsWith('{"scenario"')) this.events.push(JSON.parse(line) as PeerEvent);
  }
}
