// Starts and stops all clusters of an app together. Nest would call their hooks one after the other, and none for a cluster that
// has started before another one that fails.
import { Injectable } from '@nestjs/common';
import { ClusterStartError } from '../errors.js';

/** The parts of one cluster, in the phases of the app's life. */
export interface ClusterLifecycle {
  readonly name: string;
  /** Reports wrong listeners before anything is started. */
  discover(): Promise<void>;
  /** Warns of listeners that no cluster serves. */
  warn(): void;
  connect(): Promise<void>;
  listen(): Promise<void>;
  /** Stops listening, and waits for listeners that run. */
  drain(): Promise<void>;
  shutDown(signal?: string): Promise<void>;
  close(signal?: string): Promise<void>;
  /** Closes what was started, when the app does not come up. */
  abort(): Promise<void>;
}

type Phase = 'discover' | 'start' | 'drain' | 'shutDown' | 'close';

/** The app's clusters. Whichever of them Nest calls first does each phase for all. */
@Injectable()
export class RocketMQClusters {
  readonly #clusters: ClusterLifecycle[] = [];
  readonly #phases = new Map<Phase, Promise<void>>();

  add(cluster: ClusterLifecycle): void {
    this.#clusters.push(cluster);
  }

  discover(): Promise<void> {
    return this.#once('discover', () =>
      this.#orClose(async () => {
        for (const cluster of this.#clusters) await cluster.discover();
      }),
    );
  }

  /** @throws ClusterStartError if there are several and one does not start; the reason itself if there is one */
  start(): Promise<void> {
    return this.#once('start', async () => {
      this.#clusters[0]?.warn();
      await this.#orClose(async () => {
        await this.#all((cluster) => cluster.connect());
        await this.#all((cluster) => cluster.listen());
      });
    });
  }

  drain(): Promise<void> {
    return this.#once('drain', () => this.#each((cluster) => cluster.drain()));
  }

  shutDown(signal?: string): Promise<void> {
    return this.#once('shutDown', () => this.#each((cluster) => cluster.shutDown(signal)));
  }

  close(signal?: string): Promise<void> {
    return this.#once('close', () => this.#each((cluster) => cluster.close(signal)));
  }

  #once(phase: Phase, work: () => Promise<void>): Promise<void> {
    const running = this.#phases.get(phase) ?? work();
    this.#phases.set(phase, running);
    return running;
  }

  /** Closes what was started if the app does not come up: Nest then calls no shutdown hook. */
  async #orClose(start: () => Promise<void>): Promise<void> {
    try {
      await start();
    } catch (error) {
      await this.#each((cluster) => cluster.abort());
      throw error;
    }
  }

  /** Waits for all, also if one fails: it may still be starting when the others are closed. */
  async #all(work: (cluster: ClusterLifecycle) => Promise<void>): Promise<void> {
    const failed = new Map<string, unknown>();
    await Promise.all(
      this.#clusters.map((cluster) =>
        work(cluster).catch((error: unknown) => {
          failed.set(cluster.name, error);
        }),
      ),
    );
    if (failed.size === 0) return;
    throw this.#clusters.length === 1 ? [...failed.values()][0] : new ClusterStartError(failed);
  }

  /** An error in one cluster must not keep the others open. @throws the first one, when all are done */
  async #each(work: (cluster: ClusterLifecycle) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(this.#clusters.map(work));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}
