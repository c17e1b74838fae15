// Speaks for a consumer that polls with the brokers: what its group subscribes to, where it stands, where it is to go on.
import { RequestRefusedError, ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { ConsumerData } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import type { ConsumerMember, DirectResult, QueueOffset } from '../../groups/group-registry.js';
import type { LitePullAssignment } from './lite-pull-assignment.js';
import type { LitePullBuffer } from './lite-pull-buffer.js';
import type { LitePullOffsets } from './lite-pull-offsets.js';
import type { ResolvedLitePullOptions } from './lite-pull-options.js';
import { encodeLitePullRunningInfo } from './lite-pull-running-info.js';

export interface LitePullMemberParts {
  context: ClientContext;
  options: ResolvedLitePullOptions;
  buffer: LitePullBuffer;
  progress: LitePullOffsets;
  /** Made later than this. */
  assignment: () => LitePullAssignment;
}

export class LitePullMember implements ConsumerMember {
  readonly group: string;
  /** ms since the epoch */
  startedAt = 0;
  readonly #parts: LitePullMemberParts;

  constructor(parts: LitePullMemberParts) {
    this.#parts = parts;
    this.group = parts.options.group;
  }

  heartbeatData(): ConsumerData {
    const { options, assignment } = this.#parts;
    return {
      groupName: this.group,
      consumeType: 'CONSUME_ACTIVELY',
      messageModel: options.messageModel,
      consumeFromWhere: options.consumeFromWhere,
      subscriptionDataSet: [...assignment().subscriptions.values()],
      unitMode: false,
    };
  }

  idsChanged(): void {
    this.#parts.assignment().rebalance();
  }

  async resetOffsets(offsets: readonly QueueOffset[]): Promise<void> {
    const { progress } = this.#parts;
    const ours = offsets.filter(({ queue }) => progress.has(queue));
    for (const { queue, offset } of ours) progress.assigned(queue).seek(offset);
    await progress.commit(ours);
  }

  offsetsOf(topic: string): QueueOffset[] {
    return this.#parts.buffer.queues
      .filter(({ messageQueue }) => messageQueue.topic === topic)
      .map(({ messageQueue, done }) => ({ queue: messageQueue, offset: done ?? -1 }));
  }

  runningInfo(): Buffer {
    const { context, options, buffer, assignment } = this.#parts;
    return encodeLitePullRunningInfo({
      nameServers: context.routes.nameServers,
      options,
      startedAt: this.startedAt,
      subscriptions: [...assignment().subscriptions.values()],
      queues: buffer.queues,
    });
  }

  consumeDirectly(): Promise<DirectResult> {
    const message = `consumer group ${this.group} polls its messages: it has no listener to run`;
    return Promise.reject(new RequestRefusedError(ResponseCode.SYSTEM_ERROR, message));
  }
}
