// Says whether the app is connected to its cluster, and tells when that changes.
import { BehaviorSubject, distinctUntilChanged } from 'rxjs';
import type { Observable } from 'rxjs';
import type { RocketMQClient } from '@nest-rocketmq/client';

/** 'down': not connected yet, or closed. 'reconnecting': a server does not answer, and is tried again. 'up': all answer. */
export type RocketMQStatus = 'up' | 'reconnecting' | 'down';

export class ConnectionStatus {
  readonly #status = new BehaviorSubject<RocketMQStatus>('down');
  #client: RocketMQClient | undefined;
  #stop: (() => void) | undefined;

  get now(): RocketMQStatus {
    return this.#status.value;
  }

  /** The status now, and each change. Completes when the app is closed. */
  get changes(): Observable<RocketMQStatus> {
    return this.#status.pipe(distinctUntilChanged());
  }

  /** Servers that do not answer. */
  get unreachable(): readonly string[] {
    return this.#client?.unreachable ?? [];
  }

  connected(client: RocketMQClient): void {
    this.#client = client;
    const look = (): void => this.#status.next(client.unreachable.length > 0 ? 'reconnecting' : 'up');
    this.#stop = client.onUnreachableChanged(look);
    look();
  }

  closed(): void {
    this.#stop?.();
    this.#client = undefined;
    this.#status.next('down');
    this.#status.complete();
  }
}
