// Puts a broker and its name server together from their parts.
import {
  HALF_TOPIC,
  LogThrottle,
  RemotingServer,
  SCHEDULE_TOPIC,
  TIMER_TOPIC,
  UnsentBytes,
  formatAddress,
} from '@nest-rocketmq/remoting/internal';
import type { Dial, EventLog, HostAndPort } from '@nest-rocketmq/remoting/internal';
import { dialInProcess, listenForVIPChannel, warnOfOpenAddresses, withPort } from './namesrv/addresses.js';
import { Clients } from './clients/clients.js';
import { QueueLocks } from './clients/queue-locks.js';
import { LevelTimer } from './delay/level-timer.js';
import { DelayLevels } from './message/schedule-message.js';
import { environmentOf } from './environment.js';
import type { Environment } from './environment.js';
import { Groups } from './metadata/groups.js';
import { LongPolling } from './pull/long-polling.js';
import { MessageWriter } from './message/message-writer.js';
import { recoverLostConfig } from './metadata/lost-config.js';
import { BrokerStats } from './metrics/broker-stats.js';
import type { LevelProgress } from './metrics/runtime-info.js';
import { StoreStats } from './metrics/store-stats.js';
import type { RouteTable } from './namesrv/route-table.js';
import { makeNameServer } from './namesrv/make-name-server.js';
import { makeHandlers } from './handlers.js';
import type { SharedParts } from './handlers.js';
import { ConsumerOffsets } from './metadata/offsets.js';
import { PopService } from './pop/pop-service.js';
import { RequestModes } from './assignment/request-modes.js';
import { EMBEDDED_NAME_SERVER, EMBEDDED_PORT, idleTimeoutOf, resolveOptions } from './config/options.js';
import type { BrokerOptions } from './config/broker-options.js';
import { openProgress } from './progress/progress.js';
import type { Progress } from './progress/progress.js';
import { Registration } from './namesrv/registration.js';
import { SendReplies } from './send/send-replies.js';
import { MessageStore } from './store/store.js';
import type { DelayOffsets } from './delay/delay-offsets.js';
import { TimerFiles } from './timer/timer-files.js';
import type { BrokerTesting } from './testing/broker-testing.js';
import { MessageTimer } from './timer/message-timer.js';
import { PendingTimers } from './timer/pending-timers.js';
import { TimerMessages } from './message/timer-message.js';
import { Topics } from './metadata/topics.js';
import { CheckBack } from './transaction/check-back.js';
import { HalfQueue } from './transaction/half-queue.js';

/** A running broker, with its name server. */
export interface Broker {
  /** `host:port` that the name server listens on, or the in-process name that `dial` knows it by. */
  readonly nameServerAddress: string;
  /** `host:port` of the broker, as routes name it. */
  readonly brokerAddress: string;
  /** Connects to these two in process, and to any other address by TCP. */
  readonly dial: Dial;
  /** Answers the requests whose messages are stored, saves everything, and leaves nothing running. */
  stop(): Promise<void>;
}

/**
 * Starts a broker with a name server of its own. Without `listen`, nothing listens: `dial` is the way in.
 * @throws InvalidOptionError where an option is not allowed
 * @throws StoreLockedError where another living process has the store, StoreError where it cannot be opened
 * @throws ListenError where it cannot listen
 */
export function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  return startBrokerUnderTest(options);
}

/** The same for a test. @param testing what the test sees of the broker, and makes it do */
export async function startBrokerUnderTest(options: BrokerOptions, testing?: BrokerTesting): Promise<Broker> {
  const config = resolveOptions(options);
  const listen = config.listen && (await withPort(config.listen));
  const nameServerListen = config.nameServerListen && (await withPort(config.nameServerListen));
  const environment = environmentOf(config, listen?.port ?? EMBEDDED_PORT);
  const names = await makeNameServer(environment);
  const nameServerAddress = nameServerListen ? addressOf(nameServerListen) : EMBEDDED_NAME_SERVER;
  const servers = new Map([[nameServerAddress, names.server]]);
  const dial: Dial = (address, given) => dialInProcess(servers, address, given);
  const broker = await makeBroker(environment, names.routes, dial, testing);
  servers.set(environment.brokerAddress, broker.server);
  let stopped: Promise<void> | undefined;
  const stopOnce = (): Promise<void> => (stopped ??= stopAll(broker, names));
  try {
    if (nameServerListen) await names.server.listen(nameServerListen.host, nameServerListen.port);
    if (listen) await broker.server.listen(listen.host, listen.port);
    // With a free port nobody expects the second one below it.
    if (config.listen && config.listen.port > 0) await listenForVIPChannel(broker.server, config.listen, config.logger);
    warnOfOpenAddresses(config.logger, [nameServerListen, listen]);
    await broker.start();
  } catch (error) {
    await stopOnce();
    throw error;
  }
  return { nameServerAddress, brokerAddress: environment.brokerAddress, dial, stop: stopOnce };
}

async function stopAll(broker: BrokerParts, names: { stop(): Promise<void> }): Promise<void> {
  try {
    await broker.stop();
  } finally {
    await names.stop();
  }
}

interface BrokerParts {
  server: RemotingServer;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function makeBroker(
  environment: Environment,
  routes: RouteTable,
  dial: Dial,
  testing: BrokerTesting | undefined,
): Promise<BrokerParts> {
  const { config, fileSystem, root, storeHost } = environment;
  // No file of the log goes before the messages that wait for their time are known.
  const store = await MessageStore.open({ ...config, fileSystem, root, storeHost, neededFrom: () => 0 });
  try {
    return await assemble(environment, store, routes, dial, testing);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function assemble(
  environment: Environment,
  store: MessageStore,
  routes: RouteTable,
  dial: Dial,
  testing: BrokerTesting | undefined,
): Promise<BrokerParts> {
  const { config, storeHost, brokerAddress, openConfig } = environment;
  const { clock, brokerName, brokerClusterName: clusterName, brokerId } = config;
  const topicFile = await openConfig('topics.json', 'topicConfigTable');
  const groupFile = await openConfig('subscriptionGroup.json', 'subscriptionGroupTable');
  const offsetFile = await openConfig('consumerOffset.json', 'offsetTable');
  const topics = new Topics({ ...config, ...topicFile });
  const groups = new Groups({ ...config, ...groupFile });
  const flush = (): Promise<void> => store.flush();
  const offsets = new ConsumerOffsets({ ...config, ...offsetFile, flush });
  recoverLostConfig({ ...config, store, topics, groups, offsets, topicFile, groupFile, offsetFile });
  const notifiesChanges = (group: string): boolean =>
    config.notifyConsumerIdsChangedEnable && groups.get(group)?.notifyConsumerIdsChangedEnable !== false;
  const clients = new Clients({ ...config, notifiesChanges });
  const longPolling = new LongPolling(clock, config.maxFilterTimePerPull);
  const levels = new DelayLevels(config.messageDelayLevel);
  const replies = new SendReplies({ ...config, storeHost }, store);
  const stats = new BrokerStats({ ...config, systemTopics: new Set(topics.systemTopicNames) });
  const storeStats = new StoreStats(store, clock);
  const log = new LogThrottle(clock, config.logger);
  const locks = new QueueLocks({ ...config, log });
  const pending = new PendingTimers(config.maxPendingTimers, config.maxPendingRecalls);
  const timers = new TimerMessages({ ...config, room: pending });
  const messageWriter = new MessageWriter(store, levels, timers, storeStats, testing?.onStored);
  const progress = await openProgress(environment, store, levels, pending);
  const { outcomes, delayOffsets } = progress;
  const levelTimer = new LevelTimer({ ...config, log, store, messageWriter, levels, stats, offsets: delayOffsets });
  const hold = (): (() => void) => delayOffsets.hold();
  const timing = makeTimers(environment, { store, pending, progress, messageWriter, stats, log });
  const common = { store, topics, groups, offsets, messageWriter, stats, log };
  const pop = await PopService.open(environment, { ...common, ...timing });
  const requestModes = await RequestModes.open(environment);
  const halves = await HalfQueue.open({ store, messageWriter, offsets, clock, storeHost, outcomes, hold });
  const checkBack = new CheckBack({ ...config, ...common, config, halves, clients, hold });
  const identity = { clusterName, brokerName, brokerAddr: brokerAddress, brokerId };
  const haServerAddr = formatAddress(config.brokerIP1, storeHost.port + 1);
  const registration = new Registration({ ...config, routes, topics, dial, identity, haServerAddr });
  const unsent = new UnsentBytes(config.maxTotalUnsentBytes);
  const shared = { store, topics, groups, offsets, clients, locks, longPolling, replies, log, pop };
  const levelProgress = (): LevelProgress[] => levelTimer.progress;
  const wake = (): void => timing.messageTimer.wake();
  const more = { environment, messageWriter, halves, requestModes, routes, stats, storeStats, unsent, pending };
  const handlers = makeHandlers({ ...shared, ...more, levelProgress, hold, wake, testing });
  const server = new RemotingServer({ ...config, idleTimeout: idleTimeoutOf(config), unsent, handlers });
  const parts = { ...shared, ...timing, levelTimer, delayOffsets, checkBack, halves, registration, server };
  connect(parts);
  testing?.connect({ ...parts, offsets, pending });
  return { server, start: () => start(parts), stop: () => stop(parts) };
}

interface TimerParts {
  store: MessageStore;
  pending: PendingTimers;
  progress: Progress;
  messageWriter: MessageWriter;
  stats: BrokerStats;
  log: EventLog;
}

/** Makes what delivers the messages that have a time of their own. */
function makeTimers(
  { config, fileSystem, root }: Environment,
  { progress, ...parts }: TimerParts,
): { messageTimer: MessageTimer; timerFiles: TimerFiles } {
  const { delayOffsets, checkText, timers } = progress;
  // What is in memory is not opened again.
  const folder = config.store === 'memory' ? undefined : root;
  const timerFiles = new TimerFiles({ ...config, ...parts, fileSystem, root: folder }, checkText);
  const changed = (): void => delayOffsets.timersChanged();
  const hold = (): (() => void) => delayOffsets.hold();
  const messageTimer = new MessageTimer({ ...config, ...parts, ...timers, files: timerFiles, hold, changed });
  delayOffsets.timers = () => messageTimer.note;
  parts.store.retention.neededFrom = () => messageTimer.firstPosition;
  return { messageTimer, timerFiles };
}

interface LivingParts extends SharedParts {
  levelTimer: LevelTimer;
  messageTimer: MessageTimer;
  timerFiles: TimerFiles;
  delayOffsets: DelayOffsets;
  checkBack: CheckBack;
  halves: HalfQueue;
  registration: Registration;
  server: RemotingServer;
}

/** Connects the parts to the events of the store and of connections. */
function connect(parts: LivingParts): void {
  const { store, clients, longPolling, levelTimer, messageTimer, checkBack, halves, pop, server } = parts;
  halves.onAllDecided = () => checkBack.allDecided();
  server.onConnectionClosed((connection) => {
    clients.connectionClosed(connection);
    longPolling.connectionClosed(connection);
    pop.connectionClosed(connection);
  });
  store.onArrived((topic, queueId, maxOffset, tagsCode) => {
    longPolling.arrived(topic, queueId, maxOffset, tagsCode);
    pop.arrived(topic, queueId, tagsCode);
    if (topic === SCHEDULE_TOPIC) levelTimer.arrived(queueId);
    else if (topic === HALF_TOPIC) checkBack.arrived();
    else if (topic === TIMER_TOPIC) messageTimer.arrived(maxOffset, tagsCode);
  });
}

async function start({ levelTimer, messageTimer, pop, checkBack, registration }: LivingParts): Promise<void> {
  levelTimer.start();
  messageTimer.start();
  pop.start();
  await checkBack.start();
  await registration.start();
}

/**
 * Ends what the broker does of its own, then the connections: requests whose messages are stored by then are answered. Then
 * verdicts that are half stored are completed, and everything is saved.
 */
async function stop(parts: LivingParts): Promise<void> {
  try {
    await endWork(parts);
    await save(parts);
  } finally {
    // Whatever fails must not leave the store open, and so locked.
    await parts.store.close();
  }
}

async function endWork(parts: LivingParts): Promise<void> {
  const { store, clients, longPolling, levelTimer, messageTimer, checkBack, halves, registration, server } = parts;
  await registration.stop();
  await checkBack.stop();
  await parts.pop.stop();
  await messageTimer.stop();
  await levelTimer.stop();
  await store.drain();
  await server.close();
  await halves.whenIdle();
  longPolling.stop();
  clients.stop();
  parts.locks.stop();
  parts.log.end();
}

async function save({
  topics,
  groups,
  offsets,
  pop,
  messageTimer,
  timerFiles,
  delayOffsets,
}: LivingParts): Promise<void> {
  await offsets.stop();
  await pop.save();
  // Until there is a note, only what Apache's broker has left tells what was delivered.
  if (messageTimer.note) await timerFiles.begin();
  await delayOffsets.stop();
  await timerFiles.write();
  await Promise.all([topics.flush(), groups.flush()]);
}

const addressOf = ({ host, port }: HostAndPort): string => formatAddress(host, port);
