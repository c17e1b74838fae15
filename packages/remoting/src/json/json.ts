// Reads and writes the JSON of Apache's peers, which is not quite JSON: keys may be bare numbers and whole objects
// ({0:"a"}, {{"topic":"t"}:5}). Reads standard JSON too, and writes the other form where those peers need it.
import { DecodeError } from '../errors.js';
import { MAX_JSON_DEPTH, depthFault } from './json-depth.js';

export type JsonObject = Record<string, unknown>;

/**
 * An object comes back as a plain object; one that has an object among its keys comes back as a Map.
 * @throws DecodeError
 */
export function parseJson(source: Buffer | string): unknown {
  const fault = depthFault(typeof source === 'string' ? Buffer.from(source) : source);
  if (fault !== undefined) throw new DecodeError(fault);
  const text = typeof source === 'string' ? source : source.toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    // Not standard JSON: the lenient reader reads it, or says what is wrong.
    return new LenientReader(text).read();
  }
}

/** @throws DecodeError when it is not an object */
export function parseJsonObject(source: Buffer | string, what: string): JsonObject {
  const value = parseJson(source);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DecodeError(`${what} is not a JSON object`);
  return value instanceof Map ? Object.fromEntries(value) : (value as JsonObject);
}

/** The entries of a map, whether `parseJson` returned it as an object or as a Map. */
export function entriesOf(value: unknown): [unknown, unknown][] {
  if (value instanceof Map) return [...value];
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** Writes a Map as Java peers do: number keys bare, object keys as objects. Absent members are left out. */
export function stringifyJson(value: unknown): string {
  if (value instanceof Map) {
    const members = [...(value as Map<unknown, unknown>)].map(
      ([key, member]) => `${stringifyJson(key)}:${stringifyJson(member)}`,
    );
    return `{${members.join(',')}}`;
  }
  if (Array.isArray(value)) return `[${value.map((item) => stringifyJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined && member !== null)
      .map(([key, member]) => `${JSON.stringify(key)}:${stringifyJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

export function encodeJson(value: unknown): Buffer {
  return Buffer.from(stringifyJson(value));
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/sy;
const SPACE = /\s*/y;

class LenientReader {
  #at = 0;
  #depth = 0;

  constructor(private readonly text: string) {}

  read(): unknown {
    const value = this.#value();
    this.#space();
    if (this.#at < this.text.length) this.#fail();
    return value;
  }

  #value(): unknown {
    this.#space();
    const next = this.text[this.#at];
    if (next === '{' || next === '[') {
      if (++this.#depth > MAX_JSON_DEPTH) throw new DecodeError(`JSON is nested more than ${MAX_JSON_DEPTH} deep`);
      const value = next === '{' ? this.#object() : this.#array();
      this.#depth--;
      return value;
    }
    if (next === '"') return this.#string();
    const number = this.#match(NUMBER);
    if (number !== undefined) return Number(number);
    return this.#word();
  }

  #string(): string {
    const quoted = this.#match(STRING) ?? this.#fail();
    try {
      return JSON.parse(quoted) as string;
    } catch {
      return this.#fail(); // an escape that JSON does not know
    }
  }

  #word(): unknown {
    switch (this.#match(WORD)) {
      case 'true':
        return true;
      case 'false':
        return false;
      case 'null':
        return null;
      default:
        return this.#fail();
    }
  }

  #object(): unknown {
    const entries: [unknown, unknown][] = [];
    let objectKey = false;
    this.#at++;
    for (this.#space(); this.text[this.#at] !== '}'; this.#space()) {
      if (entries.length > 0) this.#expect(',');
      this.#space();
      if (this.text[this.#at] === '}') break;
      const key = this.#key();
      objectKey ||= typeof key === 'object';
      this.#space();
      this.#expect(':');
      entries.push([key, this.#value()]);
    }
    this.#at++;
    return objectKey ? new Map(entries) : Object.fromEntries(entries.map(([key, value]) => [String(key), value]));
  }

  #key(): unknown {
    const next = this.text[this.#at];
    if (next === '{') return this.#value();
    if (next === '"') return this.#string();
    return this.#match(NUMBER) ?? this.#match(WORD) ?? this.#fail();
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    for (this.#space(); this.text[this.#at] !== ']'; this.#space()) {
      if (items.length > 0) this.#expect(',');
      items.push(this.#value());
    }
    this.#at++;
    return items;
  }

  #space(): void {
    this.#match(SPACE);
  }

  #expect(character: string): void {
    if (this.text[this.#at] !== character) this.#fail();
    this.#at++;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #fail(): never {
    throw new DecodeError(`JSON cannot be read at character ${this.#at} of ${this.text.length}`);
  }
}
