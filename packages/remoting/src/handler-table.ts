// Owns the table from request codes to those who answer them.
import type { RemotingCommand } from './command.js';
import type { Connection } from './connection.js';
import type { HeaderOf, Receiver, ReplyHeaderOf, RequestRow } from './request.js';
import { Requests } from './requests.js';
import type { RequestName, RequestsTo } from './requests.js';

/** A request as its handler sees it. */
export interface IncomingRequest<Row> {
  readonly header: HeaderOf<Row>;
  /** empty when there is none; shares memory with the socket's buffer: copy what is kept */
  readonly body: Buffer;
  readonly extFields: Record<string, string>;
  readonly code: number;
  readonly version: number;
  readonly language: string;
  readonly opaque: number;
  readonly serializeType: 'json' | 'binary';
  /** no answer is wanted, and none is sent */
  readonly oneway: boolean;
  readonly connection: Connection;
}

export interface Answer<Row = unknown> {
  /** response code; default SUCCESS */
  readonly code?: number;
  readonly remark?: string | undefined;
  readonly header?: ReplyHeaderOf<Row>;
  readonly body?: Buffer;
  /** header fields outside of the row's own */
  readonly extFields?: Record<string, string>;
}

/** Returns the answer; undefined when it is given later with `connection.answer`, or never. A throw becomes SYSTEM_ERROR. */
export type Handler<Row> = (
  request: IncomingRequest<Row>,
) => Answer<Row> | undefined | Promise<Answer<Row> | undefined>;

/** A handler for each request that `To` may receive: leaving one out does not compile. */
export type Handlers<To extends Receiver> = { [Name in RequestsTo<To>]: Handler<(typeof Requests)[Name]> };

/** For the hot path: takes the frame before anything has been decoded, or the command where its header is JSON. */
export interface RawHandler {
  /** @param frame one whole frame with a binary header, its 4 length bytes included */
  binary(frame: Buffer, connection: Connection): void;
  /**
   * @param frame one whole frame whose JSON header begins with its code
   * @returns false to have it decoded, and `command` called
   */
  json?(frame: Buffer, connection: Connection): boolean;
  command(command: RemotingCommand, connection: Connection): void;
}

export interface TypedHandler {
  readonly row: RequestRow;
  readonly handle: Handler<RequestRow>;
}

export class HandlerTable {
  readonly #typed = new Map<number, TypedHandler>();
  readonly #raw = new Map<number, RawHandler>();

  set<Name extends RequestName>(name: Name, handle: Handler<(typeof Requests)[Name]>): this {
    const row = Requests[name] as unknown as RequestRow;
    this.#typed.set(row.code, { row, handle: handle as unknown as Handler<RequestRow> });
    return this;
  }

  /** Takes all requests of `code` before they are decoded; stands before a typed handler of the same code. */
  raw(code: number, handler: RawHandler): this {
    this.#raw.set(code, handler);
    return this;
  }

  rawHandler(code: number): RawHandler | undefined {
    return this.#raw.get(code);
  }

  handler(code: number): TypedHandler | undefined {
    return this.#typed.get(code);
  }
}

export function handlerTable(handlers: Partial<Handlers<Receiver>> = {}): HandlerTable {
  const table = new HandlerTable();
  for (const [name, handle] of Object.entries(handlers)) {
    if (handle) table.set(name as RequestName, handle as Handler<(typeof Requests)[RequestName]>);
  }
  return table;
}
