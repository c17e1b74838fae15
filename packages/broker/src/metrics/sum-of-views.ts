// Adds up two views of statistics.
import type { StatsSnapshot, StatsView } from '@nest-rocketmq/remoting/internal';

/** Adds up two views that began at the same time, with the broker. */
export function sumOf(one: StatsView, other: StatsView): StatsView {
  const add = (a: StatsSnapshot, b: StatsSnapshot): StatsSnapshot => {
    const [sum, times] = [a.sum + b.sum, timesOf(a) + timesOf(b)];
    return { sum, tps: a.tps + b.tps, avgpt: times > 0 ? sum / times : 0 };
  };
  return {
    statsMinute: add(one.statsMinute, other.statsMinute),
    statsHour: add(one.statsHour, other.statsHour),
    statsDay: add(one.statsDay, other.statsDay),
  };
}

const timesOf = ({ sum, avgpt }: StatsSnapshot): number => (avgpt > 0 ? sum / avgpt : 0);
