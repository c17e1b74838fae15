// Defines the options of the OpenTelemetry hook.
import type { MeterProvider, TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { checkBoolean, checkKeys, checkMethods, checkOneOf, inside } from '../option-checks.js';
import { w3cTraceContext } from './propagation.js';

/** Options of `openTelemetry`. */
export interface OpenTelemetryOptions {
  /** Makes the spans. Default: the one that the app has registered, whenever that is. */
  tracerProvider?: TracerProvider;
  /** Makes the metrics. Default: the one that the app has registered, whenever that is. */
  meterProvider?: MeterProvider;
  /**
   * What the span of a listener's call is to the span that created its message: 'child', in the same trace; 'link', a trace
   * of its own with a link. The call of a listener that takes lists always has links. Default 'child'.
   */
  processSpan?: 'child' | 'link';
  /** Whether spans have messaging.message.body.size, bytes. Default false. */
  bodySize?: boolean;
  /**
   * Writes contexts into messages and reads them. Default: `w3cTraceContext`, traceparent and tracestate.
   * `registeredPropagator` is what the app has registered, with its baggage for example.
   */
  propagator?: TextMapPropagator;
}

/** The same, checked. */
export interface CheckedOpenTelemetryOptions {
  readonly tracerProvider: TracerProvider | undefined;
  readonly meterProvider: MeterProvider | undefined;
  readonly processSpan: 'child' | 'link';
  readonly bodySize: boolean;
  readonly propagator: TextMapPropagator;
}

const OPTIONS = ['tracerProvider', 'meterProvider', 'processSpan', 'bodySize', 'propagator'];

/** @throws InvalidOptionError */
export function checkOpenTelemetry(given: OpenTelemetryOptions): CheckedOpenTelemetryOptions {
  return inside('openTelemetry', undefined, () => {
    if (typeof given !== 'object' || given === null) {
      throw new InvalidOptionError('options', given, 'an object such as { bodySize: true }, or nothing');
    }
    checkKeys('options', given, OPTIONS);
    const { tracerProvider, meterProvider, processSpan = 'child', bodySize = false, propagator } = given;
    if (tracerProvider !== undefined) checkMethods('tracerProvider', tracerProvider, ['getTracer']);
    if (meterProvider !== undefined) checkMethods('meterProvider', meterProvider, ['getMeter']);
    if (propagator !== undefined) checkMethods('propagator', propagator, ['inject', 'extract', 'fields']);
    return {
      tracerProvider,
      meterProvider,
      processSpan: checkOneOf('processSpan', processSpan, ['child', 'link']),
      bodySize: checkBoolean('bodySize', bodySize),
      propagator: propagator ?? w3cTraceContext,
    };
  });
}
