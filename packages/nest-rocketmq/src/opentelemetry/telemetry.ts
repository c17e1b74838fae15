// Holds what spans and metrics are made with, and begins and ends spans.
import { ProxyTracerProvider, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Context, Span, SpanOptions, Tracer } from '@opentelemetry/api';
import { MESSAGING } from './attributes.js';
import { MessagingMetrics, SCOPE } from './messaging-metrics.js';
import type { CheckedOpenTelemetryOptions } from './opentelemetry-options.js';

/** A span, with what metrics need of it. */
export interface Operation {
  readonly span: Span;
  readonly attributes: Attributes;
  /** By performance.now(), ms. */
  readonly startedAt: number;
}

/** What went wrong. */
export interface Failure {
  readonly type: string;
  /** What was thrown, if anything was. */
  readonly error?: unknown;
}

export class Telemetry {
  readonly metrics: MessagingMetrics;
  readonly #tracer: Tracer;
  /** What a provider delegates to before an SDK is registered. */
  readonly #nothing = new ProxyTracerProvider().getDelegate();

  constructor(readonly options: CheckedOpenTelemetryOptions) {
    this.metrics = new MessagingMetrics(options.meterProvider);
    this.#tracer = (options.tracerProvider ?? trace).getTracer(SCOPE);
  }

  /** Whether nothing would come of it: no SDK is registered. */
  get isOff(): boolean {
    if (this.options.tracerProvider || this.options.meterProvider) return false;
    const provider = trace.getTracerProvider();
    const isUnset = provider instanceof ProxyTracerProvider && provider.getDelegate() === this.#nothing;
    return isUnset && this.metrics.isOff;
  }

  /** @param name as '{operation} {destination}' */
  begin(name: string, options: SpanOptions & { attributes: Attributes }, parent: Context): Operation {
    const span = this.#tracer.startSpan(name, options, parent);
    return { span, attributes: options.attributes, startedAt: performance.now() };
  }

  /** Adds what the operation's answer says. @returns all attributes, for metrics */
  complete({ span, attributes }: Operation, more: Attributes, failure?: Failure): Attributes {
    const added: Attributes = failure ? { ...more, [MESSAGING.errorType]: failure.type } : more;
    span.setAttributes(added);
    if (failure) {
      const { error, type } = failure;
      if (error instanceof Error) span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : type });
    }
    return { ...attributes, ...added };
  }
}

/** Seconds since the operation began. */
export function secondsOf({ startedAt }: Pick<Operation, 'startedAt'>): number {
  return (performance.now() - startedAt) / 1_000;
}

/** '{operation} {destination}', or the operation alone for several destinations. */
export function spanName(operation: string, topic: string | undefined): string {
  return topic === undefined ? operation : `${operation} ${topic}`;
}
