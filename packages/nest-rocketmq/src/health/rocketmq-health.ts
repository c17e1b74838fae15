// Tells how an app's messaging does: whether its cluster answers, how far its groups are behind, and their dead letters.
import { ResponseError } from '@nest-rocketmq/client';
import type { Admin } from '@nest-rocketmq/client';
import { describe, endsWithin, systemClock } from '@nest-rocketmq/remoting/internal';
import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { RocketMQStatus } from '../connection-status.js';
import { RocketMQListeners } from '../listeners/rocketmq-listeners.js';
import { PullConsumers } from '../pull/pull-consumers.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import { groupHealth } from './group-health.js';
import { checkHealthOptions } from './health-options.js';
import type { CheckedHealthOptions, GroupHealth, HealthOptions, HealthReport } from './health-options.js';

/** What was found so far: a look that takes too long says what it has. */
interface Findings {
  readonly groups: Record<string, GroupHealth>;
  readonly reasons: string[];
  /** Whether any server has answered. */
  answered: boolean;
}

/** How the app's messaging does. Inject it; the module creates it. For Terminus see nest-rocketmq/terminus. */
@Injectable()
export class RocketMQHealth {
  constructor(
    private readonly connection: RocketMQConnection,
    private readonly listeners: RocketMQListeners,
    private readonly pullConsumers: PullConsumers,
  ) {}

  /** Whether the servers answer, as far as is known without asking. */
  get status(): RocketMQStatus {
    return this.connection.status.now;
  }

  /** The status now, and each change. Completes when the app is closed. */
  get statuses(): Observable<RocketMQStatus> {
    return this.connection.status.changes;
  }

  /** Servers that do not answer at present, and are tried again: 'host:port'. */
  get unreachable(): readonly string[] {
    return this.connection.status.unreachable;
  }

  /**
   * Asks the servers, and compares what they say of the app's groups with the limits. Never rejects because of them: what is
   * wrong stands in the report.
   * @throws InvalidOptionError
   */
  async check(options: HealthOptions = {}): Promise<HealthReport> {
    const limits = checkHealthOptions(options, 'RocketMQHealth.check');
    const findings: Findings = { groups: {}, reasons: [], answered: false };
    if (this.status === 'down') findings.reasons.push('the app is not connected: it has not started yet, or is closed');
    else await this.#withinTimeout(findings, limits);
    const { unreachable } = this;
    for (const server of unreachable) findings.reasons.push(`${server} does not answer, and is tried again`);
    const isBad = findings.reasons.length > 0;
    // Copies: a look that was too slow goes on.
    return {
      status: isBad ? (findings.answered ? 'degraded' : 'down') : 'up',
      reasons: [...findings.reasons],
      backend: this.connection.backendName,
      connection: this.status,
      unreachable,
      groups: { ...findings.groups },
    };
  }

  async #withinTimeout(findings: Findings, limits: CheckedHealthOptions): Promise<void> {
    const late = new AbortController();
    // By the machine's clock: a test's clock may stand still.
    const isDone = await endsWithin(systemClock, this.#look(findings, limits, late.signal), limits.timeout);
    if (isDone) return;
    findings.reasons.push(`the servers have not answered within ${limits.timeout} ms`);
    // Probes come again and again: looks at servers that are slow must not add up.
    late.abort();
  }

  /** Never rejects. */
  async #look(findings: Findings, limits: CheckedHealthOptions, signal: AbortSignal): Promise<void> {
    const admin = async (): Promise<Admin> => (await this.connection.client()).admin;
    await this.#ask(findings, 'the name server', async () => (await admin()).clusterInfo());
    for (const subscribed of [...this.listeners.subscribed(), ...this.pullConsumers.subscribed()]) {
      if (signal.aborted) return;
      await this.#ask(findings, `group ${subscribed.group}`, async () => {
        const found = await groupHealth({ admin: await admin(), signal }, subscribed);
        findings.groups[subscribed.group] = found;
        findings.reasons.push(...exceeded(subscribed.group, found, limits));
      });
    }
  }

  async #ask(findings: Findings, what: string, ask: () => Promise<unknown>): Promise<void> {
    try {
      await ask();
      findings.answered = true;
    } catch (error) {
      // A refusal is an answer, too, such as that of a broker with access control.
      if (error instanceof ResponseError) findings.answered = true;
      findings.reasons.push(`${what}: ${describe(error)}`);
    }
  }
}

function exceeded(group: string, { lag = 0, deadLetters }: GroupHealth, limits: CheckedHealthOptions): string[] {
  const reasons: string[] = [];
  if (lag > limits.maxLag) reasons.push(`group ${group} is ${lag} messages behind, maxLag is ${limits.maxLag}`);
  if (deadLetters > limits.maxDeadLetters) {
    reasons.push(`group ${group} has ${deadLetters} dead letters, maxDeadLetters is ${limits.maxDeadLetters}`);
  }
  return reasons;
}
