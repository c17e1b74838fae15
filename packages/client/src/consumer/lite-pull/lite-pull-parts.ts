// Puts the parts of a consumer that polls together.
import { Repeating } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { describe } from '../../errors.js';
import { callBack } from '../../hooks/call-back.js';
import { consumeHooks } from '../consume/consume-hooks.js';
import { consumerTrace } from '../consume/consumer-trace.js';
import type { ConsumerTrace } from '../consume/consumer-trace.js';
import { GroupCheck } from '../subscriptions/group-check.js';
import { LitePullAssignment } from './lite-pull-assignment.js';
import { LitePullBuffer } from './lite-pull-buffer.js';
import { LitePullLoop } from './lite-pull-loop.js';
import { LitePullMember } from './lite-pull-member.js';
import { LitePullOffsets } from './lite-pull-offsets.js';
import type { ResolvedLitePullOptions } from './lite-pull-options.js';
import { LitePullReader } from './lite-pull-reader.js';
import { MemoryOffsetStore } from '../offsets/offset-store.js';
import type { OffsetStore } from '../offsets/offset-store.js';
import { offsetStoreOf } from '../offsets/offset-stores.js';
import { startOffset } from '../offsets/start-offset.js';

const DEFAULT_TIMESTAMP_BACK_MS = 30 * 60_000;

/** Called with all queues that are the consumer's now. */
export type AssignmentListener = (queues: MessageQueue[]) => void;

export interface LitePullParts {
  readonly buffer: LitePullBuffer;
  readonly offsets: OffsetStore;
  readonly progress: LitePullOffsets;
  readonly assignment: LitePullAssignment;
  readonly reader: LitePullReader;
  readonly member: LitePullMember;
  readonly autoCommit: Repeating;
  readonly listeners: Set<AssignmentListener>;
  readonly trace: ConsumerTrace | undefined;
}

export function litePullParts(context: ClientContext, options: ResolvedLitePullOptions): LitePullParts {
  const { clock, logger } = context;
  const { group } = options;
  const buffer = new LitePullBuffer(options.pullThresholdForAll);
  const offsets = options.storeOffsets ? offsetStoreOf(context, options) : new MemoryOffsetStore();
  const progress = new LitePullOffsets({ context, group, buffer, offsets });
  const listeners = new Set<AssignmentListener>();
  const member: LitePullMember = new LitePullMember({
    context,
    options,
    buffer,
    progress,
    assignment: () => assignment,
  });
  const begin = (queue: MessageQueue): Promise<number> => startOffset(where, queue);
  const pulls = new LitePullLoop({
    context,
    options,
    buffer,
    subscriptionOf: (topic) => assignment.subscriptions.get(topic),
    startOffset: begin,
  });
  const check = new GroupCheck({ context, own: () => member.heartbeatData() });
  const assignment = new LitePullAssignment({
    context,
    options,
    buffer,
    offsets,
    progress,
    startOffset: begin,
    membersSeen: (address, clientIds) => check.look(address, clientIds),
    begin: (queue) => void pulls.run(queue),
    changed: () =>
      tell(listeners, buffer, (error) => logger.warn(`an assignment listener of ${group} failed: ${error}`)),
  });
  const where = {
    ...context,
    offsets,
    consumeFromWhere: options.consumeFromWhere,
    consumeTimestamp: options.consumeTimestamp ?? clock.now() - DEFAULT_TIMESTAMP_BACK_MS,
    isYoung: (topic: string) => assignment.topics.isYoung(topic),
  };
  const autoCommit = new Repeating({
    clock,
    logger,
    name: `storing the offsets of ${group}`,
    interval: options.autoCommitIntervalMillis,
    run: () => progress.commitDone(),
  });
  const trace = consumerTrace(context, options);
  const reader = new LitePullReader({ clock, options, buffer, trace, hooks: consumeHooks(context, options) });
  return { buffer, offsets, progress, assignment, reader, member, autoCommit, listeners, trace };
}

function tell(listeners: Iterable<AssignmentListener>, buffer: LitePullBuffer, failed: (reason: string) => void): void {
  const queues = buffer.queues.map(({ messageQueue }) => messageQueue);
  for (const listener of listeners) {
    callBack(
      () => listener([...queues]),
      (error) => failed(describe(error)),
    );
  }
}
