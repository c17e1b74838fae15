import { describe, expect, it } from '@jest/globals';
import { ROOT_CONTEXT, createTraceState, trace } from '@opentelemetry/api';
import type { TextMapPropagator } from '@opentelemetry/api';
import { inject, messageContext, w3cTraceContext } from './propagation.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

const contextOf = (properties: Record<string, string>) =>
  trace.getSpanContext(messageContext({ properties: new Map(Object.entries(properties)) }));

describe('a context', () => {
  it.each([
    [1, undefined, { traceparent: `00-${TRACE}-${SPAN}-01` }],
    [0, 'a=1,b=2', { traceparent: `00-${TRACE}-${SPAN}-00`, tracestate: 'a=1,b=2' }],
  ])('is written as W3C says, and read again: flags %i, state %s', (traceFlags, state, expected) => {
    const properties: Record<string, string> = { own: 'x', tracestate: 'stale=1' };
    const traceState = state === undefined ? undefined : createTraceState(state);
    const span = { traceId: TRACE, spanId: SPAN, traceFlags, ...(traceState && { traceState }) };
    inject(trace.setSpanContext(ROOT_CONTEXT, span), properties, w3cTraceContext);
    expect(properties).toEqual({ own: 'x', ...expected });
    const read = contextOf(properties);
    expect(read).toMatchObject({ traceId: TRACE, spanId: SPAN, traceFlags, isRemote: true });
    expect(read?.traceState?.serialize()).toBe(state);
  });

  it('that is none is not written', () => {
    const properties = {};
    inject(ROOT_CONTEXT, properties, w3cTraceContext);
    expect(properties).toEqual({});
  });

  it.each([
    ['of a later version', `01-${TRACE}-${SPAN}-01`],
    ['of a later version with more in it', `cc-${TRACE}-${SPAN}-01-what-the-future`],
    ['with flags that are not known yet', `00-${TRACE}-${SPAN}-ff`],
  ])('%s is read', (_what, traceparent) => {
    expect(contextOf({ traceparent })).toMatchObject({ traceId: TRACE, spanId: SPAN, traceFlags: 1 });
  });

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['a version that is forbidden', `ff-${TRACE}-${SPAN}-01`],
    ['more than its version has', `00-${TRACE}-${SPAN}-01-more`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['something else', 'x'.repeat(10_000)],
  ])('is not read from %s', (_what, traceparent) => {
    expect(contextOf(traceparent === undefined ? {} : { traceparent })).toBeUndefined();
  });

  it('is read without a state that is too long, or is none', () => {
    const traceparent = `00-${TRACE}-${SPAN}-01`;
    expect(contextOf({ traceparent, tracestate: `a=${'x'.repeat(600)}` })?.traceState).toBeUndefined();
    expect(contextOf({ traceparent, tracestate: '=,=' })?.traceState?.serialize()).toBe('');
  });

  it('goes by another propagator where one is given', () => {
    const b3: TextMapPropagator = {
      inject: (_context, carrier, setter) => (setter.set(carrier, 'b3', 'one'), setter.set(carrier, 'empty', '')),
      extract: (context, carrier, getter) => {
        const spanId = String(getter.get(carrier, 'b3'));
        return trace.setSpanContext(context, { traceId: getter.keys(carrier).join(), spanId, traceFlags: 1 });
      },
      fields: () => ['b3'],
    };
    const properties: Record<string, string> = {};
    inject(ROOT_CONTEXT, properties, b3);
    expect(properties).toEqual({ b3: 'one' });
    const read = messageContext({ properties: new Map(Object.entries(properties)) }, b3);
    expect(trace.getSpanContext(read)).toMatchObject({ traceId: 'b3', spanId: 'one' });
  });
});
