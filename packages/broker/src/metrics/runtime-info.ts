// Gathers the figures of GET_BROKER_RUNTIME_INFO, under Apache's names. What this broker cannot know is left out.
import { decodeRecords } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import type { MessageStore } from '../store/store.js';
import type { BrokerStats } from './broker-stats.js';
import { decimal } from './store-stats.js';
import type { StoreStats } from './store-stats.js';

/** Apache's MQVersion of this name: tools show it. */
const BROKER_VERSION_DESC = 'V5_0_0';
const BROKER_VERSION = 413;

/** How far a delay level has come in its queue, and where the queue ends. */
export interface LevelProgress {
  readonly level: number;
  readonly offset: number;
  readonly maxOffset: number;
}

export interface RuntimeInfoParts {
  store: MessageStore;
  stats: BrokerStats;
  storeStats: StoreStats;
  clock: Clock;
  /** ms since the epoch */
  bootTimestamp: number;
  /** Of the delay levels that have delivered something. */
  levelProgress: () => LevelProgress[];
}

/** mqadmin and rocketmq-exporter fail without these. There are no thread pools, page cache locks or timer wheel: nothing waits. */
const NOTHING_WAITS = [
  ...['send', 'pull', 'litePull', 'query', 'ack'].flatMap((pool) => [
    `${pool}ThreadPoolQueueSize`,
    `${pool}ThreadPoolQueueCapacity`,
    `${pool}ThreadPoolQueueHeadWaitTimeMills`,
  ]),
  'EndTransactionQueueSize',
  'EndTransactionThreadPoolQueueCapacity',
  'pageCacheLockTimeMills',
  'timerReadBehind',
  'timerOffsetBehind',
  'timerCongestNum',
  'timerEnqueueTps',
  'timerDequeueTps',
  'dispatchMaxBuffer',
  'startAcceptSendRequestTimeStamp',
];
/** What Apache's broker says when it has no pool of such buffers. */
const NO_BUFFER_POOL = '2147483647';

export async function runtimeInfo(parts: RuntimeInfoParts): Promise<Map<string, string>> {
  const { clock, bootTimestamp, store } = parts;
  return new Map([
    ...NOTHING_WAITS.map((name) => [name, '0'] as const),
    ['remainTransientStoreBufferNumbs', NO_BUFFER_POOL],
    ['brokerVersionDesc', BROKER_VERSION_DESC],
    ['brokerVersion', String(BROKER_VERSION)],
    ['bootTimestamp', String(bootTimestamp)],
    ['brokerActive', 'true'],
    ['runtime', duration(clock.now() - bootTimestamp)],
    ['earliestMessageTimeStamp', String(await earliestTimestamp(store))],
    ...dayFigures(parts),
    ...storeFigures(parts),
    ...putTimeFigures(parts),
    ...logFigures(store),
    ...parts
      .levelProgress()
      .map(({ level, offset, maxOffset }) => [`scheduleMessageOffset_${level}`, `${offset},${maxOffset}`] as const),
  ]);
}

type Figures = (readonly [name: string, value: string])[];

function dayFigures({ stats: { putTotals, gotTotals }, clock }: RuntimeInfoParts): Figures {
  putTotals.turn(clock.now());
  gotTotals.turn(clock.now());
  return [
    ['msgPutTotalYesterdayMorning', String(putTotals.yesterdayMorning)],
    ['msgPutTotalTodayMorning', String(putTotals.todayMorning)],
    ['msgPutTotalTodayNow', String(putTotals.now)],
    ['msgGetTotalYesterdayMorning', String(gotTotals.yesterdayMorning)],
    ['msgGetTotalTodayMorning', String(gotTotals.todayMorning)],
    ['msgGetTotalTodayNow', String(gotTotals.now)],
  ];
}

function storeFigures({ storeStats }: RuntimeInfoParts): Figures {
  const { putTimesTotal, putSizeTotal, putFailedTimes, getLongest } = storeStats;
  const { putTps, getFoundTps, getMissTps, getTotalTps, getTransferredTps } = storeStats;
  return [
    ['putTps', putTps],
    ['getFoundTps', getFoundTps],
    ['getMissTps', getMissTps],
    ['getTotalTps', getTotalTps],
    ['getTransferredTps', getTransferredTps],
    ['putMessageTimesTotal', String(putTimesTotal)],
    ['putMessageSizeTotal', String(putSizeTotal)],
    ['putMessageFailedTimes', String(putFailedTimes)],
    ['putMessageAverageSize', decimal(putTimesTotal > 0 ? putSizeTotal / putTimesTotal : 0)],
    ['getMessageEntireTimeMax', String(getLongest)],
  ];
}

/** These figures are of the last whole minute, so there are none in the first. */
function putTimeFigures({ storeStats: { putTimes }, clock }: RuntimeInfoParts): Figures {
  const now = clock.now();
  const figures: [string, string | undefined][] = [
    ['putMessageEntireTimeMax', String(putTimes.longest)],
    ['putMessageDistributeTime', putTimes.distribution(now)],
    ['putLatency99', putTimes.percentile(0.99, now)?.toFixed(2)],
    ['putLatency999', putTimes.percentile(0.999, now)?.toFixed(2)],
  ];
  return figures.filter((figure): figure is [string, string] => figure[1] !== undefined);
}

function logFigures({ metrics }: MessageStore): Figures {
  const { diskUsedRatio, diskUsage, appendedOffset, committedOffset, flushedOffset, minPhysicalOffset } = metrics;
  const figures: Figures = [
    ['commitLogDiskRatio', String(diskUsedRatio)],
    ['consumeQueueDiskRatio', String(diskUsedRatio)],
    ['commitLogMaxOffset', String(committedOffset)],
    ['commitLogMinOffset', String(minPhysicalOffset)],
    ['dispatchBehindBytes', String(appendedOffset - committedOffset)],
    ['remainHowManyDataToFlush', bytes(Math.max(0, committedOffset - flushedOffset))],
  ];
  if (diskUsage)
    figures.push(['commitLogDirCapacity', `Total : ${bytes(diskUsage.total)}, Free : ${bytes(diskUsage.free)}.`]);
  return figures;
}

/** When the first message that is still there was stored, ms since the epoch; -1 when there is none. */
async function earliestTimestamp(store: MessageStore): Promise<number> {
  const first = await store.readRecord(store.metrics.minPhysicalOffset);
  return first ? (decodeRecords(first)[0]?.storeTimestamp ?? -1) : -1;
}

/** @param ms how long */
function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  return `[ ${days} days, ${hours} hours, ${Math.floor(seconds / 60) % 60} minutes, ${seconds % 60} seconds ]`;
}

/** As Apache writes an amount: '17 B', '3.5 GiB'. */
function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const power = Math.min(6, Math.floor(Math.log2(count) / 10));
  return `${(count / 1024 ** power).toFixed(1)} ${'KMGTPE'.charAt(power - 1)}iB`;
}
