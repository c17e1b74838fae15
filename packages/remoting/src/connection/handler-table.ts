// Calls the handler of a request by its code, with the header decoded, and turns a failure into a response code.
import { isOneway } from '../frame/command.js';
import type { RemotingCommand } from '../frame/command.js';
import type { Connection, RawHandler, RequestHandlers } from './connection.js';
import { DecodeError, HeaderError, RequestRefusedError, ResponseError, toldToPeer } from '../errors.js';
import type { EventLog } from './log-throttle.js';
import { printable } from '../logger.js';
import type { Answer, HeaderOf, Receiver, RequestRow } from '../requests/request.js';
import { ResponseCode } from '../requests/response-code.js';
import { Requests } from '../requests/requests.js';
import type { RequestName, RequestsTo } from '../requests/requests.js';

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

  /** Handles all requests of `code` before they are decoded, instead of a typed handler of the same code. */
  raw(code: number, handler: RawHandler): this {
    this.#raw.set(code, handler);
    return this;
  }

  rawHandler(code: number): RawHandler | undefined {
    return this.#raw.get(code);
  }

  handle(command: RemotingCommand, connection: Connection, log: EventLog): void {
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
        connection.flow.requestBegun();
        answer
          .then(
            (value) => answerTyped(typed, command, connection, value),
            (error: unknown) => answerError(typed, command, connection, log, error),
          )
          .finally(() => connection.flow.requestEnded())
          .catch((error: unknown) => log.say('error', 'answers failed', `an answer failed: ${String(error)}`));
      } else answerTyped(typed, command, connection, answer);
    } catch (error) {
      answerError(typed, command, connection, log, error);
    }
  }
}

/** Most bytes of a body that is read as JSON: parsing blocks the event loop. */
export const MAX_JSON_BODY_BYTES = 2 * 1024 * 1024;

/** Requests with longer bodies: messages, and the registration of a broker with very many topics. */
const LONG_BODIES: ReadonlySet<number> = new Set([
  Requests.SEND_MESSAGE.code,
  Requests.SEND_MESSAGE_V2.code,
  Requests.SEND_BATCH_MESSAGE.code,
  Requests.SEND_REPLY_MESSAGE.code,
  Requests.SEND_REPLY_MESSAGE_V2.code,
  Requests.PUSH_REPLY_MESSAGE_TO_CLIENT.code,
  Requests.REGISTER_BROKER.code,
  Requests.CHECK_TRANSACTION_STATE.code,
  Requests.CONSUME_MESSAGE_DIRECTLY.code,
]);

function incoming(typed: TypedHandler, command: RemotingCommand, connection: Connection): IncomingRequest<RequestRow> {
  const { body, extFields, code, version, language, opaque, serializeType } = command;
  if (body.length > MAX_JSON_BODY_BYTES && !LONG_BODIES.has(code)) {
    const message = `a body of ${body.length} bytes is more than ${typed.row.name} may have: MAX_JSON_BODY_BYTES=${MAX_JSON_BODY_BYTES}`;
    throw new RequestRefusedError(ResponseCode.INVALID_PARAMETER, message);
  }
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
  log: EventLog,
  error: unknown,
): void {
  const said = error instanceof Error ? error.message : String(error);
  if (!isThePeersOwn(error)) {
    const { name } = typed.row;
    log.say('error', `${name} failed`, `${name} of ${connection.remoteAddress} failed: ${printable(said)}`);
  }
  if (isOneway(command)) return;
  const refused = error instanceof ResponseError || error instanceof RequestRefusedError;
  const code = refused ? error.responseCode : ResponseCode.SYSTEM_ERROR;
  const remark = printable(isThePeersOwn(error) || refused ? said : toldToPeer(error));
  connection.answer(command, undefined, { code, remark });
}

/** Whether the peer's request is at fault: then the peer is told, and nothing is logged. */
function isThePeersOwn(error: unknown): boolean {
  return error instanceof HeaderError || error instanceof DecodeError || error instanceof RequestRefusedError;
}

export function handlerTable(handlers: Partial<Handlers<Receiver>> = {}): HandlerTable {
  const table = new HandlerTable();
  for (const [name, handle] of Object.entries(handlers)) {
    if (handle) table.set(name as RequestName, handle as Handler<(typeof Requests)[RequestName]>);
  }
  return table;
}
