// Runs Apache's own benchmark producer, and reads its reports.
import type { Cluster } from '../../test/interop/harness/cluster.js';
import { type Child, startChild } from '../../test/interop/harness/children.js';
import { apacheJars, ROCKETMQ_5 } from '../../test/interop/harness/jars.js';
import { temporaryFolder } from '../../test/interop/harness/temporary.js';
import { cpuSeconds } from '../process-stats.js';
import type { BenchOptions } from './options.js';

const MAIN_CLASS = 'org.apache.rocketmq.example.benchmark.Producer';
const HEAP = ['-Xms256m', '-Xmx512m'];
const START_PATIENCE_MS = 60_000;
const REPORT = /Send TPS: (\d+) .*Send Failed: (\d+) \| Response Failed: (\d+)/;

export interface Report {
  /** ms */
  at: number;
  tps: number;
  /** Sends without success since the start. */
  failed: number;
  /** Of the broker, s. */
  cpu: number;
}

export class BenchmarkProducer {
  readonly reports: Report[] = [];
  private readonly child: Child;
  private onReport: () => void = () => undefined;

  private constructor(
    private readonly cluster: Cluster,
    private readonly options: BenchOptions,
    topic: string,
    jars: string,
  ) {
    const { threads, size, interval } = options;
    const args = ['-n', cluster.nameServer, '-t', topic, '-w', threads, '-s', size, '-ri', interval].map(String);
    const home = `-Duser.home=${temporaryFolder('bench-producer')}`;
    this.child = startChild('benchmark producer', 'java', [...HEAP, home, '-cp', jars, MAIN_CLASS, ...args], {
      onLine: (line) => this.read(line),
    });
  }

  static async start(cluster: Cluster, options: BenchOptions, topic: string): Promise<BenchmarkProducer> {
    return new BenchmarkProducer(cluster, options, topic, await apacheJars(ROCKETMQ_5));
  }

  /** Resolves when there are so many reports. */
  async reported(count: number): Promise<void> {
    const complete = new Promise<void>((resolve) => {
      this.onReport = () => this.reports.length >= count && resolve();
      this.onReport();
    });
    const limit = setTimeout(() => void this.kill(), START_PATIENCE_MS + count * this.options.interval);
    await Promise.race([complete, this.child.exited]);
    clearTimeout(limit);
    if (this.reports.length < count) throw this.child.failure(`gave ${this.reports.length} of ${count} reports`);
  }

  async kill(): Promise<void> {
    await this.child.kill();
  }

  private read(line: string): void {
    const [, tps, sendFailed, responseFailed] = REPORT.exec(line) ?? [];
    if (tps === undefined) return;
    const failed = Number(sendFailed) + Number(responseFailed);
    this.reports.push({ at: performance.now(), tps: Number(tps), failed, cpu: cpuSeconds(this.cluster.brokerPid) });
    this.onReport();
  }
}
