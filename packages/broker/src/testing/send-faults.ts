// Has the next sends fail as a test asks: refused, stored without an answer, or stored twice.
import {
  ONEWAY_FLAG,
  ResponseCode,
  decodeFrame,
  isRetryTopic,
  sendMessageFields,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, Connection, RawHandler, RemotingCommand } from '@nest-rocketmq/remoting/internal';

/** What becomes of a send. */
type Fault =
  | { readonly kind: 'reject'; readonly code: number; readonly remark: string }
  | { readonly kind: 'unanswered' | 'cut off' | 'twice' };

const [TOPIC_LETTER] = Object.entries(sendMessageFields).find(([, name]) => name === 'topic')!;

/** The faults of the sends to come, the first one first. */
export class SendFaults {
  readonly #next: Fault[] = [];

  /** Refuses the next `times` sends. @param code default: SYSTEM_BUSY */
  reject(times: number, code: number = ResponseCode.SYSTEM_BUSY, remark = 'refused by the test'): void {
    this.#add(times, { kind: 'reject', code, remark });
  }

  /** Stores the next `times` messages, and loses the answers. @param closing whether the connection is lost as well */
  loseAnswers(times: number, closing: boolean): void {
    this.#add(times, { kind: closing ? 'cut off' : 'unanswered' });
  }

  /** Stores the next `times` messages twice, as happens when a producer does not get an answer and sends again. */
  duplicate(times: number): void {
    this.#add(times, { kind: 'twice' });
  }

  clear(): void {
    this.#next.length = 0;
  }

  get pending(): number {
    return this.#next.length;
  }

  /** Puts the faults before the handler of sends. */
  before(handler: RawHandler, clock: Clock): RawHandler {
    return {
      binary: (bytes, start, end, connection) => {
        if (this.#next.length === 0) handler.binary(bytes, start, end, connection);
        else this.#handle(decodeFrame(bytes.subarray(start, end)), connection, handler, clock);
      },
      json: (frame, connection) => {
        if (this.#next.length === 0) return handler.json?.(frame, connection) ?? false;
        this.#handle(decodeFrame(frame), connection, handler, clock);
        return true;
      },
      command: (command, connection) => this.#handle(command, connection, handler, clock),
    };
  }

  #add(times: number, fault: Fault): void {
    for (let time = 0; time < times; time++) this.#next.push(fault);
  }

  #handle(command: RemotingCommand, connection: Connection, handler: RawHandler, clock: Clock): void {
    const topic = command.extFields[TOPIC_LETTER] ?? command.extFields['topic'] ?? '';
    // What a consumer sends back is no send of the app.
    const fault = isRetryTopic(topic) ? undefined : this.#next.shift();
    if (fault?.kind === 'reject') {
      connection.answer(command, undefined, { code: fault.code, remark: fault.remark });
      return;
    }
    if (fault?.kind === 'twice') handler.command(unanswered(command), connection);
    if (fault?.kind !== 'unanswered' && fault?.kind !== 'cut off') return handler.command(command, connection);
    handler.command(unanswered(command), connection);
    if (fault.kind === 'cut off') connection.close();
    else clock.callWaits?.();
  }
}

function unanswered(command: RemotingCommand): RemotingCommand {
  return { ...command, flag: command.flag | ONEWAY_FLAG };
}
