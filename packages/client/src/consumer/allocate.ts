// Exports the strategies by which a topic's queues are divided: the broker uses the same ones for consumers that ask it.
export {
  allocateAveragely,
  allocateAveragelyByCircle,
  allocateByConfig,
  allocateByConsistentHash,
  compareQueues,
} from '@nest-rocketmq/remoting/internal';
export type { AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting';
