// Writes the context of a span into a message's properties, and reads it there: traceparent and tracestate, as W3C says.
import { ROOT_CONTEXT, TraceFlags, createTraceState, isSpanContextValid, propagation, trace } from '@opentelemetry/api';
import type { Context, TextMapPropagator } from '@opentelemetry/api';

const TRACEPARENT = 'traceparent';
const TRACESTATE = 'tracestate';
const VERSION = '00';
/** Of a later version there may be more behind it. */
const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** W3C asks to pass on 512 characters at least; what others have added is cut off here. */
const LONGEST_STATE = 512;

type Carrier = Record<string, string>;

/** The properties of a message that has arrived. */
type Arrived = { readonly properties: ReadonlyMap<string, string> };

/** W3C trace context alone, whatever the app has registered for its other protocols. */
export const w3cTraceContext: TextMapPropagator<Carrier> = {
  inject: (context, carrier) => {
    const span = trace.getSpanContext(context);
    if (!span || !isSpanContextValid(span)) return;
    const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0');
    carrier[TRACEPARENT] = `${VERSION}-${span.traceId}-${span.spanId}-${flags}`;
    const state = span.traceState?.serialize() ?? '';
    // An empty property is no property: brokers drop it.
    if (state === '') delete carrier[TRACESTATE];
    else carrier[TRACESTATE] = state;
  },
  extract: (context, carrier) => {
    const [, version, traceId = '', spanId = '', flags = '00', more] = PARENT.exec(carrier[TRACEPARENT] ?? '') ?? [];
    if (version === undefined || version === 'ff' || (version === VERSION && more !== undefined)) return context;
    const state = carrier[TRACESTATE];
    const span = {
      traceId,
      spanId,
      traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
      isRemote: true,
      ...(state !== undefined && state.length <= LONGEST_STATE && { traceState: createTraceState(state) }),
    };
    return isSpanContextValid(span) ? trace.setSpanContext(context, span) : context;
  },
  fields: () => [TRACEPARENT, TRACESTATE],
};

const SETTER = {
  set: (carrier: Carrier, name: string, value: string) => void (value !== '' && (carrier[name] = value)),
};
const GETTER = {
  get: ({ properties }: Arrived, name: string) => properties.get(name),
  keys: ({ properties }: Arrived) => [...properties.keys()],
};

/** Writes the context into properties that go with a message. */
export function inject(context: Context, properties: Carrier, propagator: TextMapPropagator): void {
  if (propagator === w3cTraceContext) w3cTraceContext.inject(context, properties, SETTER);
  else propagator.inject(context, properties, SETTER);
}

/**
 * The context that a message was created in, whoever sent it; Java's agents write the same properties. For code that goes on
 * with it by itself, such as the loop of a pull consumer: `context.with(messageContext(message), work)`.
 * @param propagator default: W3C trace context
 */
export function messageContext(message: Arrived, propagator: TextMapPropagator = w3cTraceContext): Context {
  if (propagator !== w3cTraceContext) return propagator.extract(ROOT_CONTEXT, message, GETTER);
  const { properties } = message;
  const carrier: Carrier = {};
  for (const name of [TRACEPARENT, TRACESTATE]) {
    const value = properties.get(name);
    if (value !== undefined) carrier[name] = value;
  }
  return w3cTraceContext.extract(ROOT_CONTEXT, carrier, { get: (from, name) => from[name], keys: Object.keys });
}

/** The propagator that the app has registered, as it is at each call. */
export const registeredPropagator: TextMapPropagator = {
  inject: (context, carrier, setter) => propagation.inject(context, carrier, setter),
  extract: (context, carrier, getter) => propagation.extract(context, carrier, getter),
  fields: () => propagation.fields(),
};
