// Defines the types of header fields, and converts each to and from its text in extFields.
import { HeaderError } from '../errors.js';

/** Most fields of one header. No request has a tenth of that. */
export const MAX_EXT_FIELDS = 256;
export const tooManyFields = `a header has more fields than the limit, MAX_EXT_FIELDS, of ${MAX_EXT_FIELDS}`;

export interface Field<T> {
  readonly required: boolean;
  /** Throws HeaderError when the text is not of this type. */
  parse(text: string, name: string): T;
  format(value: T): string;
}

const INTEGER = /^[+-]?\d{1,19}$/;

function integer(min: number, max: number, kind: string): Field<number> {
  return {
    required: true,
    parse(text, name) {
      const value = INTEGER.test(text) ? Number(text) : NaN;
      if (!(value >= min && value <= max)) throw new HeaderError(`header field <${name}> must be ${kind}`);
      return value;
    },
    // JavaScript cannot represent 2^63 - 1: the nearest number is 2^63, which Java's Long.parseLong would refuse.
    format: (value) =>
      Number.isSafeInteger(value) ? String(value) : value >= 2 ** 63 ? '9223372036854775807' : BigInt(value).toString(),
  };
}

export const text = (): Field<string> => ({ required: true, parse: (value) => value, format: (value) => value });
export const int = (): Field<number> => integer(-0x80000000, 0x7fffffff, 'a 32-bit integer');
/** A 64-bit integer as a number: one beyond 2^53 (only ever "no limit") keeps its magnitude, not its last digits. */
export const long = (): Field<number> => integer(-(2 ** 63), 2 ** 63, 'a 64-bit integer');
export const flag = (): Field<boolean> => ({
  required: true,
  parse: (value) => value.toLowerCase() === 'true',
  format: (value) => (value ? 'true' : 'false'),
});

export type Optional<T> = Field<T> & { readonly required: false };

/** The field may be absent. */
export function maybe<T>(field: Field<T>): Optional<T> {
  return { ...field, required: false };
}

export type Fields = Readonly<Record<string, Field<never> | Field<string> | Field<number> | Field<boolean>>>;

type ValueOf<F> = F extends Field<infer T> ? T : never;
type RequiredKeys<F> = { [K in keyof F]: F[K] extends { readonly required: false } ? never : K }[keyof F];
type OptionalKeys<F> = { [K in keyof F]: F[K] extends { readonly required: false } ? K : never }[keyof F];

/** The object type of a header: its required fields, and the optional ones as optional members. */
export type HeaderOfFields<F> = { [K in RequiredKeys<F>]: ValueOf<F[K]> } & { [K in OptionalKeys<F>]?: ValueOf<F[K]> };

export interface HeaderCodec<H> {
  /** @throws HeaderError naming the first required field that is missing, or a field that is not of its type */
  decode(extFields: Record<string, string>): H;
  /** The same without the check for required fields, for answers with an error code. */
  decodePartial(extFields: Record<string, string>): Partial<H>;
  encode(header: Partial<H>, into: Record<string, string>): void;
}

/** Compiles a table of fields once into the functions that read and write it. */
export function compileHeader<F extends Fields>(fields: F): HeaderCodec<HeaderOfFields<F>> {
  const rows = Object.entries(fields) as [string, Field<unknown>][];
  const decode = (extFields: Record<string, string>, partial: boolean): HeaderOfFields<F> => {
    const header: Record<string, unknown> = {};
    for (const [name, field] of rows) {
      const value = extFields[name];
      if (value !== undefined) header[name] = field.parse(value, name);
      else if (field.required && !partial) throw new HeaderError(`the custom field <${name}> is null`);
    }
    return header as HeaderOfFields<F>;
  };
  return {
    decode: (extFields) => decode(extFields, false),
    decodePartial: (extFields) => decode(extFields, true),
    encode(header, into) {
      for (const [name, field] of rows) {
        const value = (header as Record<string, unknown>)[name];
        if (value !== undefined && value !== null) into[name] = field.format(value);
      }
    },
  };
}
