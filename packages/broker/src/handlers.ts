// Puts the request handlers together: which requests the broker answers, and with which of its parts.
import { Requests, handlerTable } from '@nest-rocketmq/remoting/internal';
import type { HandlerTable, Handlers, LogThrottle, UnsentBytes } from '@nest-rocketmq/remoting/internal';
import { assignmentHandlers } from './assignment/assignment-handlers.js';
import { brokerAdminHandlers } from './admin/broker-handlers.js';
import { cleaningHandlers } from './admin/cleaning-handlers.js';
import { cloneOffsetHandlers } from './admin/clone-offset-handler.js';
import { configHandlers } from './admin/config-handlers.js';
import { clientHandlers } from './clients/client-handlers.js';
import { SubscriptionFilters } from './filter/subscription-filters.js';
import { endTransactionHandlers } from './transaction/end-transaction-handler.js';
import { groupAdminHandlers } from './admin/group-handlers.js';
import { lockHandlers } from './clients/lock-handlers.js';
import { offsetHandlers } from './metadata/offset-handlers.js';
import { ackHandlers } from './pop/ack-handler.js';
import { notificationHandlers } from './pop/notification-handler.js';
import { popHandlers } from './pop/pop-handler.js';
import { pullHandlers } from './pull/pull-handler.js';
import { queryHandlers } from './admin/query-handlers.js';
import { queueHandlers } from './admin/queue-handlers.js';
import { resetOffsetHandlers } from './admin/reset-offset-handler.js';
import { replyHandlers } from './reply/reply-handler.js';
import { sendBackHandlers } from './retry/send-back-handler.js';
import { sendBatchHandlers } from './send/send-batch-handler.js';
import { SendHandler } from './send/send-handler.js';
import { statsAdminHandlers } from './admin/stats-handlers.js';
import { topicAdminHandlers } from './admin/topic-handlers.js';
import type { Clients } from './clients/clients.js';
import type { QueueLocks } from './clients/queue-locks.js';
import type { Environment } from './environment.js';
import type { MessageWriter } from './message/message-writer.js';
import type { Groups } from './metadata/groups.js';
import { youngBytes } from './metadata/young-queue.js';
import type { ConsumerOffsets } from './metadata/offsets.js';
import type { Topics } from './metadata/topics.js';
import type { BrokerStats } from './metrics/broker-stats.js';
import type { LevelProgress } from './metrics/runtime-info.js';
import type { StoreStats } from './metrics/store-stats.js';
import type { LongPolling } from './pull/long-polling.js';
import { PullScheduler } from './pull/pull-scheduler.js';
import { Retry } from './retry/retry.js';
import type { SendReplies } from './send/send-replies.js';
import type { MessageStore } from './store/store.js';
import type { RequestModes } from './assignment/request-modes.js';
import type { RouteTable } from './namesrv/route-table.js';
import type { PopService } from './pop/pop-service.js';
import { recallHandlers } from './timer/recall-handler.js';
import type { PendingTimers } from './timer/pending-timers.js';
import type { BrokerTesting } from './testing/broker-testing.js';
import type { HalfQueue } from './transaction/half-queue.js';

/** The parts that handlers need, and that broker.ts starts, stops and connects. */
export interface SharedParts {
  store: MessageStore;
  topics: Topics;
  groups: Groups;
  offsets: ConsumerOffsets;
  clients: Clients;
  locks: QueueLocks;
  longPolling: LongPolling;
  replies: SendReplies;
  log: LogThrottle;
  pop: PopService;
}

export interface HandlerParts extends SharedParts {
  environment: Environment;
  messageWriter: MessageWriter;
  halves: HalfQueue;
  requestModes: RequestModes;
  routes: RouteTable;
  stats: BrokerStats;
  storeStats: StoreStats;
  levelProgress: () => LevelProgress[];
  unsent: UnsentBytes;
  pending: PendingTimers;
  /** `DelayOffsets.hold` */
  hold: () => () => void;
  /** `MessageTimer.wake` */
  wake: () => void;
  testing: BrokerTesting | undefined;
}

/** Sends of one message have a handler of their own. */
type TypedHandlers = Omit<Handlers<'broker'>, 'SEND_MESSAGE' | 'SEND_MESSAGE_V2'>;

export function makeHandlers({ environment, ...parts }: HandlerParts): HandlerTable {
  const { config, storeHost } = environment;
  const { clock, brokerName } = config;
  const { topics, pop } = parts;
  const retry = new Retry(topics, config.logger);
  const pullScheduler = new PullScheduler(parts.unsent);
  const filters = new SubscriptionFilters(config);
  const common = { ...parts, config, clock, retry, pullScheduler, filters, storeHost };
  const { queues, polling, notifications, orderInfos, acknowledgements } = pop;
  const popping = { ...common, queues, polling, notifications, orderInfos, acknowledgements };
  const typed: TypedHandlers = {
    ...sendBatchHandlers(common),
    ...replyHandlers(common),
    ...recallHandlers({ ...common, logger: config.logger }),
    ...sendBackHandlers(common),
    ...pullHandlers(common),
    ...popHandlers(popping),
    ...ackHandlers(popping),
    ...notificationHandlers(popping),
    ...assignmentHandlers(common),
    ...endTransactionHandlers(common),
    ...offsetHandlers({ ...common, accessMessageInMemoryMaxBytes: youngBytes() }),
    ...clientHandlers(common),
    ...lockHandlers(common),
    ...queryHandlers(common),
    ...topicAdminHandlers(common),
    ...groupAdminHandlers(common),
    ...resetOffsetHandlers({ ...common, brokerName }),
    ...statsAdminHandlers({ ...common, brokerName, brokerAddr: environment.brokerAddress }),
    ...queueHandlers({ ...common, brokerName }),
    ...cloneOffsetHandlers(common),
    ...cleaningHandlers(common),
    ...configHandlers({ ...common, logger: config.logger }),
    ...brokerAdminHandlers({ ...common, bootTimestamp: clock.now() }),
  };
  const handler = new SendHandler(common);
  const send = parts.testing?.beforeSends(handler, clock) ?? handler;
  return handlerTable(typed).raw(Requests.SEND_MESSAGE.code, send).raw(Requests.SEND_MESSAGE_V2.code, send);
}
