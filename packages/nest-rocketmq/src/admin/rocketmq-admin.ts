// Looks after the consumer groups of a cluster from within an app: their dead letters, and where they go on.
import { Inject, Injectable } from '@nestjs/common';
import type { ResetOffset } from '@nest-rocketmq/client';
import { checkGroup, checkTopic } from '../message/destination.js';
import { inside } from '../option-checks.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import { GroupDeadLetters } from './group-dead-letters.js';

/** Where a group is to go on. */
export interface BacktrackOptions {
  /** Where to go on: at the first message stored at this time or later, a Date or ms since the epoch; 'end': behind all. */
  time: Date | number | 'end';
  /** Whether the group may also be set forward, beyond what it has consumed. Default true. */
  force?: boolean;
}

/** Administration of the app's cluster. Inject it; the module creates it. */
@Injectable()
export class RocketMQAdmin {
  constructor(
    private readonly connection: RocketMQConnection,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * The messages that a group has given up, to be listed, looked at, and replayed.
   * @param group default: the module's group
   * @throws InvalidOptionError
   */
  deadLetters(group: string = this.options.group): GroupDeadLetters {
    const name = inside('RocketMQAdmin.deadLetters', undefined, () => checkGroup('group', group));
    return new GroupDeadLetters(this.connection, this.options.messageConverter, name);
  }

  /**
   * Has a group consume a topic again from a time on, or go on behind all that is there. Consumers that run are told, in all
   * processes and languages.
   * @returns where the group goes on, for each queue
   * @throws TopicNotFoundError, InvalidOptionError
   */
  async resetOffsetByTime(group: string, topic: string, { time, force }: BacktrackOptions): Promise<ResetOffset[]> {
    const names = inside('RocketMQAdmin.resetOffsetByTime', undefined, () => ({
      group: checkGroup('group', group),
      topic: checkTopic('topic', topic),
    }));
    const { admin } = await this.connection.client();
    return admin.resetOffsetByTime({ ...names, time, ...(force !== undefined && { force }) });
  }
}
