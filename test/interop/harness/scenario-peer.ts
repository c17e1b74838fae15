// Reads what a peer program prints, and returns the lines of each of its scenarios when it has ended.
import { type Child, type ChildOptions, startChild } from './children.js';

/** More than a peer program's own patience, which says what was missing. */
const SCENARIO_TIMEOUT_MS = 180_000;
const EVENTS_IN_AN_ERROR = 20;

/** One line of the peer: `event` and the fields that the program gives it. */
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

/** A process that runs scenarios, all at once. */
export class ScenarioPeer {
  private readonly events: PeerEvent[] = [];
  private readonly child: Child;

  /** @param name of the client, for errors */
  constructor(
    readonly name: string,
    command: string,
    args: readonly string[],
    options: Omit<ChildOptions, 'onLine'> = {},
  ) {
    this.child = startChild(name, command, args, { ...options, onLine: (line) => this.collect(line) });
  }

  /** What a scenario has printed so far. */
  soFar(scenario: string): ScenarioEvents {
    return new ScenarioEvents(this.events.filter((event) => event.scenario === scenario));
  }

  /** A line of the peer, past or to come. */
  line(pattern: RegExp, timeoutMs: number): Promise<string> {
    return this.child.line(pattern, timeoutMs);
  }

  /** The events of a scenario, once it is done. Rejects when it failed, with the last that it printed. */
  async scenario(name: string): Promise<ScenarioEvents> {
    await this.child.line(new RegExp(`"scenario":"${name}","event":"(done|failed)"`), SCENARIO_TIMEOUT_MS);
    const events = this.soFar(name);
    const [failure] = events.of('failed');
    if (failure !== undefined) {
      const printed = events.all
        .slice(-EVENTS_IN_AN_ERROR)
        .map((event) => JSON.stringify(event))
        .join('\n');
      throw new Error(`scenario ${name} of the ${this.name} failed: ${String(failure.error)}\n${printed}`);
    }
    return events;
  }

  /** Waits for the program's own end. */
  async end(): Promise<void> {
    await this.child.exited;
  }

  /** SIGTERM. Resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.child.stop();
  }

  async kill(): Promise<void> {
    await this.child.kill();
  }

  private collect(line: string): void {
    // Netty, the JVM and the Go client may print warnings of their own.
    if (line.startsWith('{"scenario"')) this.events.push(JSON.parse(line) as PeerEvent);
  }
}
