// Keeps the requests of a connection that wait for their answers.
import type { Clock } from '../time/clock.js';
import type { RemotingCommand } from '../frame/command.js';
import { Deadline } from '../time/deadline.js';
import { HeaderError, RequestTimeoutError, ResponseError } from '../errors.js';
import type { ReplyHeaderOf, RequestRow } from '../requests/request.js';
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

interface Pending {
  readonly row: RequestRow;
  readonly deadline: Deadline;
  resolve(reply: Reply<RequestRow>): void;
  reject(error: Error): void;
}

export class PendingRequests {
  readonly #pending = new Map<number, Pending>();

  /**
   * @param activity a count that grows with each read of the connection
   * @param onTimeout called with the monotonic ms at which the request was sent, after it has been rejected
   */
  constructor(
    private readonly address: string,
    private readonly clock: Clock,
    private readonly activity: () => number,
    private readonly onTimeout: (sentAt: number, timeout: number) => void,
  ) {}

  /** Resolves with the answer to `opaque`; rejects after `timeout` ms. */
  wait<Row extends RequestRow>(opaque: number, row: Row, timeout: number): Promise<Reply<Row>> {
    const sentAt = this.clock.monotonic();
    return new Promise((resolve, reject) => {
      const expired = (): void => {
        this.#pending.delete(opaque);
        reject(new RequestTimeoutError(this.address, row.name, timeout));
        this.onTimeout(sentAt, timeout);
      };
      const deadline = new Deadline({ clock: this.clock, timeout, expired, activity: this.activity });
      this.#pending.set(opaque, { row, deadline, resolve: resolve as (reply: Reply<RequestRow>) => void, reject });
    });
  }

  /** Ignores an answer that comes after its time-out, or that nobody asked for. */
  settle(answer: RemotingCommand): void {
    const pending = this.#pending.get(answer.opaque);
    if (!pending) return;
    this.#pending.delete(answer.opaque);
    pending.deadline.cancel();
    const { code, remark, body, extFields, version } = answer;
    try {
      const header = pending.row.reply.decodePartial(extFields);
      pending.resolve({ code, remark, header, body, extFields, version, row: pending.row });
    } catch (error) {
      pending.reject(error instanceof Error ? error : new HeaderError(String(error)));
    }
  }

  rejectAll(reason: Error): void {
    for (const pending of this.#pending.values()) {
      pending.deadline.cancel();
      pending.reject(reason);
    }
    this.#pending.clear();
  }
}
