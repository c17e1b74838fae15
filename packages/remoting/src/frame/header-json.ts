// Encodes and decodes a frame's header in the JSON form.
import { emptyFields } from './command.js';
import type { RemotingCommand } from './command.js';
import { FrameError } from '../errors.js';
import { MAX_EXT_FIELDS, tooManyFields } from '../requests/field.js';
import { depthFault } from '../json/json-depth.js';

export type CommandHeader = Omit<RemotingCommand, 'body' | 'serializeType'>;

/** @throws FrameError when the bytes are not a JSON object */
export function decodeJsonHeader(bytes: Buffer): CommandHeader {
  let json: unknown;
  const fault = depthFault(bytes);
  if (fault !== undefined) throw new FrameError(`a JSON header cannot be taken: ${fault}`);
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new FrameError(`a JSON header cannot be parsed (${cause instanceof Error ? cause.name : 'unknown'})`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new FrameError('a JSON header is not an object');
  const header = json as Record<string, unknown>;
  return {
    code: numberOf(header['code']),
    language: typeof header['language'] === 'string' ? header['language'] : 'OTHER',
    version: numberOf(header['version']),
    opaque: numberOf(header['opaque']),
    flag: numberOf(header['flag']),
    remark: typeof header['remark'] === 'string' ? header['remark'] : undefined,
    extFields: fieldsOf(header['extFields']),
  };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) ? value : 0;
}

function fieldsOf(value: unknown): Record<string, string> {
  const fields = emptyFields();
  if (typeof value !== 'object' || value === null) return fields;
  let count = 0;
  for (const [name, field] of Object.entries(value)) {
    if (++count > MAX_EXT_FIELDS) throw new FrameError(tooManyFields);
    if (typeof field === 'string') fields[name] = field;
    else if (typeof field === 'number' || typeof field === 'boolean') fields[name] = String(field);
  }
  return fields;
}

/** The members in the order in which Java peers write them; absent ones are left out. */
export function encodeJsonHeader(header: CommandHeader): Buffer {
  return Buffer.from(
    JSON.stringify({
      code: header.code,
      extFields: header.extFields,
      flag: header.flag,
      language: header.language,
      opaque: header.opaque,
      remark: header.remark,
      serializeTypeCurrentRPC: 'JSON',
      version: header.version,
    }),
  );
}
