// Keeps the requests of a connection that wait for their answers.
import type { Clock } from '../time/clock.js';
import type { RemotingCommand } from '../frame/command.js';
import { Deadlines, Wait } from '../time/deadlines.js';
import { HeaderError, RequestTimeoutError, ResponseError } from '../errors.js';
import type { ReplyHeaderOf, RequestRow } from '../requests/request.js';
import { PendingTable } from './pending-table.js';
import { ResponseCode } from '../requests/response-code.js';

export interface Reply<Row> {
  readonly code: number;
  readonly remark: string | undefined;
  /** the fields that came; all required ones if code is SUCCESS and the peer follows the protocol */
  readonly header: Partial<ReplyHeaderOf<Row>>;
  readonly body: Buffer;
  readonly extFields: Record<string, string>;
  readonly version: number;
  readonly row: { readonly name: string };
}

/** @throws ResponseError when the peer answered with another code than SUCCESS */
export function expectSuccess<Row>(reply: Reply<Row>, address: string): void {
  if (reply.code !== ResponseCode.SUCCESS) throw new ResponseError(reply.code, reply.remark, address, reply.row.name);
}

/** Who waits for an answer. The hot path waits without a promise. */
export interface ReplyReceiver {
  /**
   * For the hot path: gets the answer before it is decoded, if its header is binary.
   * @param frame one whole frame, its 4 length bytes included
   * @returns false to have it decoded
   */
  binary?(frame: Buffer): boolean;
  resolve(reply: Reply<RequestRow>): void;
  reject(error: Error): void;
}

class Pending extends Wait {
  next: Pending | undefined;

  constructor(
    private readonly owner: PendingRequests,
    readonly opaque: number,
    readonly row: RequestRow,
    readonly receiver: ReplyReceiver,
    readonly sentAt: number,
    readonly timeout: number,
  ) {
    super();
  }

  override expired(): void {
    this.owner.expired(this);
  }
}

export class PendingRequests {
  readonly #pending = new PendingTable<Pending>();
  readonly #deadlines: Deadlines;

  /**
   * @param activity a count that grows with each read of the connection
   * @param onTimeout called with the monotonic ms at which the request was sent, after it has been rejected
   */
  constructor(
    private readonly address: string,
    private readonly clock: Clock,
    activity: () => number,
    private readonly onTimeout: (sentAt: number, timeout: number) => void,
  ) {
    this.#deadlines = new Deadlines(clock, activity);
  }

  /** Resolves the receiver with the answer to `opaque`; rejects it after `timeout` ms. */
  wait(opaque: number, row: RequestRow, timeout: number, receiver: ReplyReceiver): void {
    const now = this.clock.monotonic();
    const pending = new Pending(this, opaque, row, receiver, now, timeout);
    this.#pending.add(pending);
    this.#deadlines.add(pending, now, timeout);
  }

  /**
   * Gives an answer to who waits for it before it is decoded.
   * @param frame with a binary header
   * @returns false when it is to be decoded and given to `settle`
   */
  settleBinary(opaque: number, frame: Buffer): boolean {
    const pending = this.#pending.get(opaque);
    if (!pending?.receiver.binary?.(frame)) return false;
    this.#end(pending);
    return true;
  }

  /** Ignores an answer that comes after its time-out, or that nobody asked for. */
  settle(answer: RemotingCommand): void {
    const pending = this.#pending.get(answer.opaque);
    if (!pending) return;
    this.#end(pending);
    const { code, remark, body, extFields, version } = answer;
    let header: Partial<ReplyHeaderOf<RequestRow>>;
    try {
      header = pending.row.reply.decodePartial(extFields);
    } catch (error) {
      return pending.receiver.reject(error instanceof Error ? error : new HeaderError(String(error)));
    }
    pending.receiver.resolve({ code, remark, header, body, extFields, version, row: pending.row });
  }

  rejectAll(reason: Error): void {
    for (const pending of this.#pending.takeAll()) {
      this.#deadlines.cancel(pending);
      pending.receiver.reject(reason);
    }
  }

  /** @internal */
  expired(pending: Pending): void {
    const { row, receiver, sentAt, timeout } = pending;
    this.#pending.delete(pending);
    receiver.reject(new RequestTimeoutError(this.address, row.name, timeout));
    this.onTimeout(sentAt, timeout);
  }

  #end(pending: Pending): void {
    this.#pending.delete(pending);
    this.#deadlines.cancel(pending);
  }
}
