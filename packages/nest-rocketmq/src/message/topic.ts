// Defines typed topics: a destination together with the type of its payloads, their schema and their converter.
import { checkKeys, checkMethods, inside } from '../option-checks.js';
import { parseDestination } from './destination.js';
import type { Destination, DestinationObject } from './destination.js';
import type { MessageConverter } from './message-converter.js';
import { checkSchema, validate } from './standard-schema.js';
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.js';

/** In the global registry, so that both module formats know each other's topics. */
const TOPIC: unique symbol = Symbol.for('nest-rocketmq:topic');

/**
 * A topic with the type of its payloads, for the template, for listeners and for tests. `defineTopic` makes it.
 * `Sent` is what a send takes, `Received` what a listener is given: they differ for a schema that transforms.
 */
export interface Topic<Sent = unknown, Received = Sent> {
  readonly topic: string;
  /** Its one tag; undefined: none when sending, all when listening. */
  readonly tag: string | undefined;
  readonly schema: StandardSchema | undefined;
  readonly converter: MessageConverter | undefined;
  /** Holds the types, for the compiler alone. */
  readonly [TOPIC]: { sent(payload: Sent): void; received(): Received };
}

/** Any typed topic. */
export type AnyTopic = Topic<never, unknown>;

/** Where a message goes: 'topic', 'topic:tag', { topic, tag }, or a typed topic. */
export type AnyDestination = Destination | AnyTopic;

/** What may be sent to a destination: for a typed topic its type, else anything. */
export type PayloadOf<D> = [D] extends [never]
  ? unknown
  : D extends { readonly [TOPIC]: { sent(payload: infer Sent): void } }
    ? Sent
    : unknown;

/** What a listener of a topic receives: for a typed topic its type, else anything. */
export type ReceivedOf<D> = D extends { readonly [TOPIC]: { received(): infer Received } } ? Received : unknown;

/** Options of `defineTopic`. */
export interface DefineTopicOptions<S extends StandardSchema = StandardSchema> {
  /**
   * Validates each payload when it is sent and when it is received: a zod, valibot or arktype schema, or any other Standard
   * Schema. A send takes the payload as it is given; a listener receives what the schema makes of it. Default: none.
   */
  schema?: S;
  /** Converts the topic's payloads instead of the module's `messageConverter`. */
  converter?: MessageConverter;
}

/**
 * Defines a topic once, for all that send to it and listen to it:
 * `const OrderCreated = defineTopic<Order>('order:created')`, or with a schema, which gives the type:
 * `defineTopic('order:created', { schema: z.object({ id: z.string() }) })`.
 * @param destination 'topic', 'topic:tag' or { topic, tag }
 * @throws InvalidOptionError
 */
export function defineTopic<S extends StandardSchema>(
  destination: Destination,
  options: DefineTopicOptions<S> & { schema: S },
): Topic<SchemaInput<S>, SchemaOutput<S>>;
export function defineTopic<T = unknown>(
  destination: Destination,
  options?: DefineTopicOptions<StandardSchema<unknown, T>>,
): Topic<T>;
export function defineTopic(destination: Destination, options: DefineTopicOptions = {}): Topic {
  return inside('defineTopic', undefined, () => {
    checkKeys('options', options, ['schema', 'converter']);
    const { topic, tag } = parseDestination(destination);
    const { schema, converter } = options;
    if (schema !== undefined) checkSchema('schema', schema);
    if (converter !== undefined) checkMethods('converter', converter, ['encode', 'decode']);
    const types = { sent: () => undefined, received: () => undefined };
    return Object.freeze({ topic, tag, schema, converter, [TOPIC]: types });
  });
}

export function isTopic(given: unknown): given is Topic {
  return typeof given === 'object' && given !== null && TOPIC in given;
}

/** Of a typed topic, or of any other destination. @throws InvalidOptionError */
export function destinationOf(destination: AnyDestination): DestinationObject {
  if (!isTopic(destination)) return parseDestination(destination as Destination);
  const { topic, tag } = destination;
  return tag === undefined ? { topic } : { topic, tag };
}

/**
 * Validates what is sent to a typed topic. It is sent as it is given: a schema may turn it into what a body cannot hold.
 * @returns a promise only if the schema validates asynchronously
 * @throws MessageValidationError
 */
export function checkPayload(destination: AnyDestination, payload: unknown): Promise<unknown> | undefined {
  if (typeof destination === 'string' || !isTopic(destination) || !destination.schema) return undefined;
  const checked = validate(destination.schema, payload, `the payload for topic ${destination.topic}`);
  return checked instanceof Promise ? checked : undefined;
}
