// Owns the putting together of a broker and its name server: the only file that makes their parts. Leaves everything
// else to those parts.
import { totalmem } from 'node:os';
import {
  HALF_TOPIC,
  LogThrottle,
  RemotingServer,
  Requests,
  SCHEDULE_TOPIC,
  UnsentBytes,
  formatAddress,
  handlerTable,
} from '@nest-rocketmq/remoting';
import type { Dial, HandlerTable, Handlers, HostAndPort } from '@nest-rocketmq/remoting';
import { dialInProcess, listenForVIPChannel, warnOfOpenAddresses, withPort } from './namesrv/addresses.js';
import { Clients } from './clients/clients.js';
import { LevelTimer } from './delay/level-timer.js';
import { DelayLevels } from './message/schedule-message.js';
import { groundOf } from './environment.js';
import type { Ground } from './environment.js';
import { Groups } from './metadata/groups.js';
import { brokerAdminHandlers } from './admin/broker-handlers.js';
import { clientHandlers } from './clients/client-handlers.js';
import { endTransactionHandlers } from './transaction/end-transaction-handler.js';
import { groupAdminHandlers } from './admin/group-handlers.js';
import { lockHandlers } from './clients/lock-handlers.js';
import { offsetHandlers } from './metadata/offset-handlers.js';
import { pullHandlers } from './pull/pull-handler.js';
import { queryHandlers } from './admin/query-handlers.js';
import { resetOffsetHandlers } from './admin/reset-offset-handler.js';
import { sendBackHandlers } from './retry/send-back-handler.js';
import { sendBatchHandlers } from './send/send-batch-handler.js';
import { SendHandler } from './send/send-handler.js';
import { statsAdminHandlers } from './admin/stats-handlers.js';
import { topicAdminHandlers } from './admin/topic-handlers.js';
import { HeldPulls } from './pull/long-polling.js';
import { Intake } from './message/message-writer.js';
import { recoverLostConfig } from './metadata/lost-config.js';
import { BrokerStats } from './metrics/broker-stats.js';
import type { LevelProgress } from './metrics/runtime-info.js';
import { StoreStats } from './metrics/store-stats.js';
import { KVConfig } from './namesrv/kv-config.js';
import { NameServer } from './namesrv/name-server.js';
import { RouteTable } from './namesrv/route-table.js';
import { ConsumerOffsets } from './metadata/offsets.js';
import { EMBEDDED_NAME_SERVER, EMBEDDED_PORT, propertiesOf, resolveOptions } from './config/options.js';
import type { BrokerConfig, BrokerOptions } from './config/options.js';
import { openProgress } from './progress/progress.js';
import { PullTurns } from './pull/pull-scheduler.js';
import { QueueLocks } from './clients/queue-locks.js';
import { Registration } from './namesrv/registration.js';
import { Retry } from './retry/retry.js';
import { SendReplies } from './send/send-replies.js';
import { MessageStore } from './store/store.js';
import { Topics } from './metadata/topics.js';
import { CheckBack } from './transaction/check-back.js';
import { HalfQueue } from './transaction/half-queue.js';

/** Share of the machine's memory within which a queue's beginning counts as young. */
const ACCESS_MESSAGE_IN_MEMORY_RATIO = 0.4;

export interface Broker {
  /** `host:port` that the name server listens on, or the in-process name that `dial` knows it by. */
  readonly nameServerAddress: string;
  /** `host:port` of the broker, as routes name it. */
  readonly brokerAddress: string;
  /** Connects to these two in process, and to any other address by TCP. */
  readonly dial: Dial;
  /** Answers what has been asked, writes everything out and leaves nothing running. */
  stop(): Promise<void>;
}

/**
 * Starts a broker with a name server of its own. Without `listen`, nothing listens: `dial` is the way in.
 * @throws InvalidOptionError, StoreLockedError, ListenError
 */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const config = resolveOptions(options);
  const listen = config.listen && (await withPort(config.listen));
  const nameServerListen = config.nameServerListen && (await withPort(config.nameServerListen));
  const ground = groundOf(config, listen?.port ?? EMBEDDED_PORT);
  const names = await makeNameServer(ground);
  const nameServerAddress = nameServerListen ? addressOf(nameServerListen) : EMBEDDED_NAME_SERVER;
  const servers = new Map([[nameServerAddress, names.server]]);
  const dial: Dial = (address) => dialInProcess(servers, address);
  const broker = await makeBroker(ground, names.routes, dial);
  servers.set(ground.brokerAddress, broker.server);
  let stopped: Promise<void> | undefined;
  const stopOnce = (): Promise<void> => (stopped ??= stopAll(broker, names));
  try {
    if (nameServerListen) await names.server.listen(nameServerListen.host, nameServerListen.port);
    if (listen) await broker.server.listen(listen.host, listen.port);
    // Who asked for any free port did not ask for its neighbour.
    if (config.listen && config.listen.port > 0) await listenForVIPChannel(broker.server, config.listen, config.logger);
    warnOfOpenAddresses(config.logger, [nameServerListen, listen]);
    await broker.start();
  } catch (error) {
    await stopOnce();
    throw error;
  }
  return { nameServerAddress, brokerAddress: ground.brokerAddress, dial, stop: stopOnce };
}

async function stopAll(broker: BrokerParts, names: { stop(): Promise<void> }): Promise<void> {
  try {
    await broker.stop();
  } finally {
    await names.stop();
  }
}

interface NameServerParts {
  routes: RouteTable;
  server: RemotingServer;
  stop(): Promise<void>;
}

async function makeNameServer({ config, opened }: Ground): Promise<NameServerParts> {
  const { clock } = config;
  const routes = new RouteTable(config);
  const nameServer = new NameServer(
    routes,
    new KVConfig({ ...config, ...(await opened('kvConfig.json', 'configTable')) }),
    clock,
  );
  const handlers = handlerTable(nameServer.handlers());
  const server = new RemotingServer({ ...config, idleTimeout: idleTimeoutOf(config), handlers });
  server.onConnectionClosed((connection) => nameServer.connectionClosed(connection));
  const stop = async (): Promise<void> => {
    nameServer.stop();
    await server.close();
  };
  return { routes, server, stop };
}

interface BrokerParts {
  server: RemotingServer;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function makeBroker(ground: Ground, routes: RouteTable, dial: Dial): Promise<BrokerParts> {
  const { config, fileSystem, root, storeHost } = ground;
  const store = await MessageStore.open({ ...config, fileSystem, root, storeHost });
  try {
    return await assemble(ground, store, routes, dial);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function assemble(ground: Ground, store: MessageStore, routes: RouteTable, dial: Dial): Promise<BrokerParts> {
  const { config, storeHost, brokerAddress, opened } = ground;
  const { clock, brokerName, brokerClusterName: clusterName, brokerId } = config;
  const topicFile = await opened('topics.json', 'topicConfigTable');
  const groupFile = await opened('subscriptionGroup.json', 'subscriptionGroupTable');
  const offsetFile = await opened('consumerOffset.json', 'offsetTable');
  const topics = new Topics({ ...config, ...topicFile });
  const groups = new Groups({ ...config, ...groupFile });
  const flush = (): Promise<void> => store.flush();
  const offsets = new ConsumerOffsets({ ...config, ...offsetFile, flush });
  recoverLostConfig({ ...config, store, topics, groups, offsets, topicFile, groupFile, offsetFile });
  const notifiesChanges = (group: string): boolean =>
    config.notifyConsumerIdsChangedEnable && groups.get(group)?.notifyConsumerIdsChangedEnable !== false;
  const clients = new Clients({ ...config, notifiesChanges });
  const held = new HeldPulls(clock);
  const levels = new DelayLevels(config.messageDelayLevel);
  const replies = new SendReplies({ ...config, storeHost });
  const stats = new BrokerStats({ ...config, systemTopics: new Set(topics.systemTopicNames) });
  const storeStats = new StoreStats(store, clock);
  const intake = new Intake(store, levels, storeStats);
  const { outcomes, delayOffsets } = await openProgress(ground, store, levels);
  const levelTimer = new LevelTimer({ ...config, store, intake, levels, stats, offsets: delayOffsets });
  const hold = (): (() => void) => delayOffsets.hold();
  const halves = new HalfQueue({ store, intake, offsets, clock, storeHost, outcomes, hold });
  const checkBack = new CheckBack({ ...config, config, store, intake, halves, topics, clients, stats, hold });
  const identity = { clusterName, brokerName, brokerAddr: brokerAddress, brokerId };
  const haServerAddr = formatAddress(config.brokerIP1, storeHost.port + 1);
  const registration = new Registration({ ...config, routes, topics, dial, identity, haServerAddr });
  const unsent = new UnsentBytes(config.maxTotalUnsentBytes);
  const log = new LogThrottle(clock, config.logger);
  const shared = { store, topics, groups, offsets, clients, held, replies, log };
  const levelProgress = (): LevelProgress[] => levelTimer.progress;
  const handlers = makeHandlers({ ...shared, ground, intake, halves, stats, storeStats, levelProgress, unsent });
  const server = new RemotingServer({ ...config, idleTimeout: idleTimeoutOf(config), unsent, handlers });
  const parts = { ...shared, levelTimer, checkBack, registration, server };
  connect(parts);
  return { server, start: () => start(parts), stop: () => stop(parts) };
}

/** What both the handlers and those who start and stop a broker work on. */
interface SharedParts {
  store: MessageStore;
  topics: Topics;
  groups: Groups;
  offsets: ConsumerOffsets;
  clients: Clients;
  held: HeldPulls;
  replies: SendReplies;
  log: LogThrottle;
}

interface LivingParts extends SharedParts {
  levelTimer: LevelTimer;
  checkBack: CheckBack;
  registration: Registration;
  server: RemotingServer;
}

/** Who hears of what the store and the connections tell. */
function connect({ store, clients, held, replies, levelTimer, checkBack, server }: LivingParts): void {
  server.onConnectionClosed((connection) => {
    clients.connectionClosed(connection);
    held.connectionClosed(connection);
  });
  store.onCommitted((upTo, failure) => replies.committed(upTo, failure));
  store.onArrived((topic, queueId, maxOffset, tagsCode) => {
    held.arrived(topic, queueId, maxOffset, tagsCode);
    if (topic === SCHEDULE_TOPIC) levelTimer.arrived(queueId);
    else if (topic === HALF_TOPIC) checkBack.arrived();
  });
}

async function start({ levelTimer, checkBack, registration }: LivingParts): Promise<void> {
  levelTimer.start();
  await checkBack.start();
  await registration.start();
}

/** Takes no more first, then lets what is under way end, then writes everything out. */
async function stop(parts: LivingParts): Promise<void> {
  const { store, topics, groups, offsets, clients, held, levelTimer, checkBack, registration, server } = parts;
  await registration.stop();
  checkBack.stop();
  await levelTimer.stop();
  await store.settled();
  await server.close();
  held.stop();
  clients.stop();
  parts.log.end();
  await offsets.stop();
  try {
    await Promise.all([topics.flush(), groups.flush()]);
  } finally {
    // A disk that has no room for these must not leave the store open.
    await store.close();
  }
}

interface HandlerParts extends SharedParts {
  ground: Ground;
  intake: Intake;
  halves: HalfQueue;
  stats: BrokerStats;
  storeStats: StoreStats;
  levelProgress: () => LevelProgress[];
  unsent: UnsentBytes;
}

/** Sends of one message have a handler of their own. */
type TypedHandlers = Omit<Handlers<'broker'>, 'SEND_MESSAGE' | 'SEND_MESSAGE_V2'>;

function makeHandlers({ ground, ...parts }: HandlerParts): HandlerTable {
  const { config, storeHost } = ground;
  const { clock, brokerName } = config;
  const { topics } = parts;
  const locks = new QueueLocks(clock);
  const retry = new Retry(topics, config.logger);
  const turns = new PullTurns(parts.unsent);
  const common = { ...parts, config, clock, locks, retry, turns, storeHost };
  const typed: TypedHandlers = {
    ...sendBatchHandlers(common),
    ...sendBackHandlers(common),
    ...pullHandlers(common),
    ...endTransactionHandlers(common),
    ...offsetHandlers({ ...common, accessMessageInMemoryMaxBytes: totalmem() * ACCESS_MESSAGE_IN_MEMORY_RATIO }),
    ...clientHandlers(common),
    ...lockHandlers(common),
    ...queryHandlers(common),
    ...topicAdminHandlers(common),
    ...groupAdminHandlers(common),
    ...resetOffsetHandlers({ ...common, brokerName }),
    ...statsAdminHandlers({ ...common, brokerName, brokerAddr: ground.brokerAddress }),
    ...brokerAdminHandlers({ ...common, bootTimestamp: clock.now(), properties: propertiesOf(config) }),
  };
  const send = new SendHandler(common);
  return handlerTable(typed).raw(Requests.SEND_MESSAGE.code, send).raw(Requests.SEND_MESSAGE_V2.code, send);
}

const idleTimeoutOf = ({ serverChannelMaxIdleTimeSeconds }: BrokerConfig): number =>
  serverChannelMaxIdleTimeSeconds * 1_000;

const addressOf = ({ host, port }: HostAndPort): string => formatAddress(host, port);
