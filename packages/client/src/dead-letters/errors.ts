// Declares the errors of dead letters.
import { MQClientError } from '../client-error.js';

/** A broker lets nobody read the dead letters of a group: those before 4.9.2 make such topics so. */
export class DeadLettersNotReadableError extends MQClientError<'DEAD_LETTERS_NOT_READABLE'> {
  constructor(
    /** %DLQ%group */
    readonly topic: string,
    readonly brokerName: string,
  ) {
    super(
      'DEAD_LETTERS_NOT_READABLE',
      `topic ${topic} cannot be read at ${brokerName}: brokers before 4.9.2 make topics of dead letters without the ` +
        `permission to read. Give it to them, for example by mqadmin updateTopicPerm -c CLUSTER -t ${topic} -p 6, ` +
        'or use brokers of 4.9.2 or later.',
    );
  }
}
