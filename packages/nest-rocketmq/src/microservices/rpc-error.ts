// Converts the error of a request to an answer and back.
import { RocketMQReply } from '../message/rocketmq-reply.js';

/** The property of an answer that is an error: 'true'. Its body is the error as JSON. */
const RPC_ERROR = 'rpcError';

export function errorReply(error: unknown): RocketMQReply {
  return new RocketMQReply(plain(error), { properties: { [RPC_ERROR]: 'true' } });
}

export function isErrorReply(properties: ReadonlyMap<string, string>): boolean {
  return properties.get(RPC_ERROR) === 'true';
}

/** @param payload the decoded body: of a request that asked for text or bytes, these */
export function errorIn(payload: unknown): unknown {
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload;
  try {
    return JSON.parse(payload.toString()) as unknown;
  } catch {
    return payload;
  }
}

/** As Nest's own filter writes it. An Error has no JSON of its own. */
function plain(error: unknown): unknown {
  if (error instanceof Error) return { status: 'error', message: error.message };
  return error ?? { status: 'error', message: 'Internal server error' };
}
