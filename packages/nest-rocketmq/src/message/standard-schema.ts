// Validates payloads by any schema that implements the Standard Schema interface: zod, valibot, arktype and others.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { MessageValidationError } from '../errors.js';

/**
 * The interface that zod, valibot, arktype and other libraries give their schemas: https://standardschema.dev, version 1.
 * `Input` is what it takes, `Output` what it makes of that.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value. Without `issues` the value is valid. */
export type StandardResult<Output = unknown> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong with a value, and where. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema takes. */
export type SchemaInput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input'];
/** What a schema makes of it. */
export type SchemaOutput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output'];

const MOST_ISSUES_NAMED = 10;

/** @throws InvalidOptionError for what has no Standard Schema interface. arktype's schemas are functions. */
export function checkSchema(option: string, given: unknown): StandardSchema {
  const isCandidate = (typeof given === 'object' && given !== null) || typeof given === 'function';
  const standard = isCandidate ? (given as Partial<StandardSchema>)['~standard'] : undefined;
  if (standard?.version === 1 && typeof standard.validate === 'function') return given as StandardSchema;
  throw new InvalidOptionError(option, given, 'a Standard Schema of version 1, as zod, valibot and arktype make them');
}

/**
 * Returns what the schema makes of the value, or a promise of it if the schema validates asynchronously.
 * @param of what the value is: 'the payload for topic order'
 * @throws MessageValidationError for a value that does not fit; what the schema itself throws
 */
export function validate(schema: StandardSchema, value: unknown, of: string): unknown {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then((later) => valueOf(later, of)) : valueOf(result, of);
}

function valueOf(result: StandardResult, of: string): unknown {
  if (!result.issues) return result.value;
  const { issues } = result;
  const named = issues.slice(0, MOST_ISSUES_NAMED).map(described);
  const more = issues.length > named.length ? [`and ${issues.length - named.length} more`] : [];
  throw new MessageValidationError(`${of} does not fit its schema: ${[...named, ...more].join('; ')}`);
}

/** 'items[0].quantity: expected a number' */
function described({ message, path = [] }: StandardIssue): string {
  let place = '';
  for (const segment of path) {
    const key = typeof segment === 'object' ? segment.key : segment;
    if (typeof key === 'number') place += `[${key}]`;
    else place += place === '' ? String(key) : `.${String(key)}`;
  }
  return place === '' ? message : `${place}: ${message}`;
}
