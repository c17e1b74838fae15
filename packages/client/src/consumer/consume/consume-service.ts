// Defines what runs the listener on the messages of queues, in any consume mode.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ConsumeContext } from '../options/consumer-options.js';
import type { Outcomes } from './listener-outcomes.js';
import type { ProcessQueue } from '../process-queue/process-queue.js';

export interface ConsumeService {
  /** Listener calls under way. */
  readonly running: number;
  /** Runs the listener for these messages, in lists of at most consumeMessageBatchMaxSize. */
  submit(queue: ProcessQueue, messages: readonly MessageExt[]): void;
  /** Their bodies cannot be read, now or ever: they go to the dead letters, where a person can look at them. */
  reject(queue: ProcessQueue, messages: MessageExt[], reason: string): void;
  /** Runs the listener once, outside of the course of queues. */
  call(messages: MessageExt[], context: ConsumeContext): Promise<Outcomes>;
  /** Goes on with what a pause has held. */
  resume(): void;
  /** Begins no more calls. Resolves when those under way have ended. What had not begun is delivered again later. */
  stop(): Promise<void>;
}
