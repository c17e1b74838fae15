// Defines the base of the client's errors, and their codes.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';

/** The codes of the errors of this package: Apache's names where it has one. */
export type ClientErrorCode =
  | 'INVALID_NAME'
  | 'MESSAGE_ILLEGAL'
  | 'MESSAGE_TOO_LARGE'
  | 'NAME_SERVER_UNREACHABLE'
  | 'NOT_A_NAME_SERVER'
  | 'NOT_FOUND_TOPIC'
  | 'BROKER_NOT_EXIST'
  | 'NO_BROKER'
  | 'SEND_FAILED'
  | 'BATCH_SEND_FAILED'
  | 'SEND_SKIPPED'
  | 'SEND_FORBIDDEN'
  | 'TOO_MUCH_REQUEST'
  | 'SUBSCRIPTION_REFUSED'
  | 'GROUP_IN_USE'
  | 'TOO_MANY_CONSUMERS'
  | 'LOCAL_OFFSET_STORE'
  | 'DELAY_TOO_LONG'
  | 'DELAY_NOT_SUPPORTED'
  | 'RECALL_FAILED'
  | 'DEAD_LETTERS_NOT_READABLE'
  | 'TRANSACTION_NOT_BEGUN'
  | 'TRANSACTION_ENDED'
  | 'REPLY_TIMEOUT'
  | 'TOO_MANY_REQUESTS'
  | 'CREATE_REPLY_MESSAGE'
  | 'REQUESTER_GONE'
  | 'SUBSCRIPTION_CONFLICT'
  | 'QUEUE_NOT_ASSIGNED'
  | 'SEEK_OUT_OF_RANGE'
  | 'POLL_IN_PROGRESS'
  | 'COMMIT_FAILED'
  | 'INVALID_LISTENER_RESULT';

/** Base of the errors that the client itself raises. `code` is stable, and is Apache's name where it has one. */
export class MQClientError<Code extends ClientErrorCode = ClientErrorCode> extends RocketMQError<Code> {}
