// Has the next sends fail as a test asks: refused, stored without an answer, or stored twice.
import { ONEWAY_FLAG, decodeFrame, isRetryTopic, sendMessageFields } from '@nest-rocketmq/remoting/internal';
import type { Clock, Connection, RawHandler, RemotingCommand } from '@nest-rocketmq/remoting/internal';

/** What becomes of a send. */
type Fault =
  | { readonly kind: 'reject'; readonly code: number; readonly remark: string }
  | { readonly kind: 'unanswered' | 'cut off' | 'twice' };

/** A fault that waits for the next send, of any broker or of one. */
type NextFault = Fault & { readonly broker: string | undefined };

/** Where a send arrives. */
interface Place {
  readonly handler: RawHandler;
  readonly clock: Clock;
  readonly broker: string | undefined;
}

const [TOPIC_LETTER] = Object.entries(sendMessageFields).find(([, name]) => name === 'topic')!;

/** The faults of the sends to come, the first one first. Several brokers may share them: `broker` names one of them. */
export class SendFaults {
  readonly #next: NextFault[] = [];

  /** Refuses the next `times` sends. @param code such as SYSTEM_BUSY @param broker default: whichever comes first */
  reject(times: number, code: number, broker?: string): void {
    this.#add(times, { kind: 'reject', code, remark: 'refused by the test', broker });
  }

  /**
   * Stores the next `times` messages, and loses the answers.
   * @param closing whether the connection is lost as well @param broker default: whichever comes first
   */
  loseAnswers(times: number, closing: boolean, broker?: string): void {
    this.#add(times, { kind: closing ? 'cut off' : 'unanswered', broker });
  }

  /**
   * Stores the next `times` messages twice, as happens when a producer does not get an answer and sends again.
   * @param broker default: whichever comes first
   */
  duplicate(times: number, broker?: string): void {
    this.#add(times, { kind: 'twice', broker });
  }

  clear(): void {
    this.#next.length = 0;
  }

  get pending(): number {
    return this.#next.length;
  }

  /** Puts the faults before the handler of sends. @param broker whose handler it is */
  before(handler: RawHandler, clock: Clock, broker?: string): RawHandler {
    const handle = (command: RemotingCommand, connection: Connection): void =>
      this.#handle(command, connection, { handler, clock, broker });
    return {
      binary: (bytes, start, end, connection) => {
        if (this.#next.length === 0) handler.binary(bytes, start, end, connection);
        else handle(decodeFrame(bytes.subarray(start, end)), connection);
      },
      json: (frame, connection) => {
        if (this.#next.length === 0) return handler.json?.(frame, connection) ?? false;
        handle(decodeFrame(frame), connection);
        return true;
      },
      command: handle,
    };
  }

  #add(times: number, fault: NextFault): void {
    for (let time = 0; time < times; time++) this.#next.push(fault);
  }

  #take(broker: string | undefined): Fault | undefined {
    const at = this.#next.findIndex((fault) => fault.broker === undefined || fault.broker === broker);
    return at < 0 ? undefined : this.#next.splice(at, 1)[0];
  }

  #handle(command: RemotingCommand, connection: Connection, { handler, clock, broker }: Place): void {
    const topic = command.extFields[TOPIC_LETTER] ?? command.extFields['topic'] ?? '';
    // What a consumer sends back is no send of the app.
    const fault = isRetryTopic(topic) ? undefined : this.#take(broker);
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
