// Owns the table from request codes to those who answer them, and the way from a request through its handler to the
// answer: a header decoded, a failure put in a response code. Leaves sending it to connection.ts.
import { isOneway } from './command.js';
import type { RemotingCommand } from './command.js';
import type { Connection, RawHandler, RequestHandlers } from './connection.js';
import { HeaderError, ResponseError } from './errors.js';
import { printable } from './logger.js';
import type { Logger } from './logger.js';
import type { Answer, HeaderOf, Receiver, RequestRow } from './request.js';
import { ResponseCode } from './response-code.js';
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

/** Returns the answer; undefined when it is given later with `connection.answer`, or never. A throw becomes SYSTEM_ERROR. */
export type Handler<Row> = (
  request: IncomingRequest<Row>,
) => Answer<Row> | undefined | Promise<Answer<Row> | undefined>;

/** A handler for each request that `To` may receive: leaving one out does not compile. */
export type Handlers<To extends Receiver> = { [Name in RequestsTo<To>]: Handler<(typeof Requests)[Name]> };

interface TypedHandler {
  readonly row: RequestRow;
  readonly handle: Handler<RequestRow>;
}

export class HandlerTable implements RequestHandlers {
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

  handle(command: RemotingCommand, connection: Connection, logger: Logger): void {
    const typed = this.#typed.get(command.code);
    if (!typed) {
      if (isOneway(command)) return;
      connection.answer(command, undefined, {
        code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
        remark: ` request type ${command.code} not supported`,
      });
      return;
    }
    try {
      const answer = typed.handle(incoming(typed, command, connection));
      if (answer instanceof Promise) {
        answer.then(
          (value) => answerTyped(typed, command, connection, value),
          (error: unknown) => answerError(typed, command, connection, logger, error),
        );
      } else answerTyped(typed, command, connection, answer);
    } catch (error) {
      answerError(typed, command, connection, logger, error);
    }
  }
}

function incoming(typed: TypedHandler, command: RemotingCommand, connection: Connection): IncomingRequest<RequestRow> {
  const { body, extFields, code, version, language, opaque, serializeType } = command;
  const header = typed.row.header.decode(extFields) as HeaderOf<RequestRow>;
  return {
    header,
    body,
    extFields,
    code,
    version,
    language,
    opaque,
    serializeType,
    oneway: isOneway(command),
    connection,
  };
}

function answerTyped(
  typed: TypedHandler,
  command: RemotingCommand,
  connection: Connection,
  answer: Answer<RequestRow> | undefined,
): void {
  if (answer && !isOneway(command)) connection.answer(command, typed.row, answer);
}

function answerError(
  typed: TypedHandler,
  command: RemotingCommand,
  connection: Connection,
  logger: Logger,
  error: unknown,
): void {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof HeaderError)) {
    logger.error(`${typed.row.name} of ${connection.remoteAddress} failed: ${printable(message)}`);
  }
  if (isOneway(command)) return;
  const code = error instanceof ResponseError ? error.responseCode : ResponseCode.SYSTEM_ERROR;
  connection.answer(command, undefined, { code, remark: printable(message) });
}

export function handlerTable(handlers: Partial<Handlers<Receiver>> = {}): HandlerTable {
  const table = new HandlerTable();
  for (const [name, handle] of Object.entries(handlers)) {
    if (handle) table.set(name as RequestName, handle as Handler<(typeof Requests)[RequestName]>);
  }
  return table;
}
