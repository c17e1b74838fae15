// Fetches rocketmq-spring, compiles the Spring Boot app of test/interop/spring against it, and runs its programs.
import { join } from 'node:path';
import { type Child, startChild } from './children.js';
import { PEER_HEAP, javaClasses, mavenJars, run } from './jars.js';
import { repositoryRoot } from './paths.js';
import { temporaryFolder } from './temporary.js';

const springRoot = join(repositoryRoot, 'test/interop/spring');
const pom = join(springRoot, 'pom.xml');
/** A JVM starts Spring, and a client may hear of a route or a member only with its next look, 30 s later. */
const LINE_TIMEOUT_MS = 120_000;

/** The class path of the app with all its jars. */
async function springClasses(): Promise<string> {
  const jars = await mavenJars(pom, join(springRoot, 'lib'));
  return javaClasses({ folder: join(springRoot, 'src/spring'), pom }, jars, join(springRoot, 'target/classes'));
}

/** What rocketmq-spring offers, by reflection on its jar: lines that Api.java explains. */
export async function springApi(): Promise<string[]> {
  const { stdout } = await run('java', [...PEER_HEAP, '-cp', await springClasses(), 'spring.Api']);
  return stdout.split('\n').filter((line) => line !== '');
}

/** One line of the app: `event` and its fields. */
export interface SpringEvent {
  event: string;
  /** ms epoch at which it was printed. */
  at: number;
  [field: string]: unknown;
}

export class SpringPeer {
  readonly #events: SpringEvent[] = [];
  readonly #watchers = new Set<() => void>();
  #child!: Child;

  /** @param properties Spring's, by name: 'rocketmq.name-server' */
  static async start(properties: Readonly<Record<string, string>>): Promise<SpringPeer> {
    const classPath = await springClasses();
    const home = temporaryFolder('spring-peer');
    const peer = new SpringPeer();
    const flags = Object.entries(properties).map(([name, value]) => `--${name}=${value}`);
    const quiet = ['--spring.main.banner-mode=off', '--logging.level.root=WARN'];
    const args = [...PEER_HEAP, `-Duser.home=${home}`, '-cp', classPath, 'spring.SpringPeer', ...quiet, ...flags];
    peer.#child = startChild('Spring app', 'java', args, { onLine: (line) => peer.#collect(line) });
    return peer;
  }

  of(event: string): SpringEvent[] {
    return this.#events.filter((each) => each.event === event);
  }

  /** The events of that name, once there are so many. Rejects with what the app has printed last. */
  take(event: string, count = 1): Promise<SpringEvent[]> {
    return new Promise((resolve, reject) => {
      const end = (finish: () => void): void => {
        clearTimeout(limit);
        this.#watchers.delete(look);
        finish();
      };
      const look = (): void => {
        if (this.of(event).length >= count) end(() => resolve(this.of(event)));
      };
      const fail = (what: string): void =>
        end(() => reject(this.#child.failure(`${what} before it had printed "${event}" ${count} times`)));
      const limit = setTimeout(() => fail(`had no more than ${LINE_TIMEOUT_MS} ms`), LINE_TIMEOUT_MS);
      this.#watchers.add(look);
      void this.#child.exited.then(() => fail('ended'));
      look();
    });
  }

  /** SIGTERM, upon which Spring closes its consumers and producers. */
  async stop(): Promise<void> {
    await this.#child.stop();
  }

  #collect(line: string): void {
    if (!line.startsWith('{"event"')) return;
    this.#events.push(JSON.parse(line) as SpringEvent);
    for (const watcher of this.#watchers) watcher();
  }
}
