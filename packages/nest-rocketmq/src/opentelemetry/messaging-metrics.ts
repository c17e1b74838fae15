// Records the messaging metrics of OpenTelemetry's conventions, with the meter that is registered now.
import { createNoopMeter, metrics } from '@opentelemetry/api';
import type { Attributes, Counter, Histogram, Meter, MeterProvider } from '@opentelemetry/api';
import { MESSAGING } from './attributes.js';

/** The name of the instrumentation scope, of spans and metrics. */
export const SCOPE = 'nest-rocketmq';
/** The bounds of both durations, s, as the conventions advise. */
export const DURATION_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** Those of a span that a metric has too: the rest has too many values. */
const DIMENSIONS = [
  MESSAGING.system,
  MESSAGING.operationName,
  MESSAGING.operationType,
  MESSAGING.destination,
  MESSAGING.consumerGroup,
  MESSAGING.partition,
  MESSAGING.serverAddress,
  MESSAGING.serverPort,
  MESSAGING.errorType,
];

interface Instruments {
  readonly operationDuration: Histogram;
  readonly processDuration: Histogram;
  readonly sent: Counter;
  readonly consumed: Counter;
}

export class MessagingMetrics {
  readonly #given: MeterProvider | undefined;
  #provider: MeterProvider | undefined;
  #instruments: Instruments | undefined;

  /** @param provider default: the one that is registered */
  constructor(provider: MeterProvider | undefined) {
    this.#given = provider;
  }

  /** Whether nobody has registered a meter. */
  get isOff(): boolean {
    return this.#current() === undefined;
  }

  /** A call to a broker has ended. @param seconds its duration */
  called(seconds: number, attributes: Attributes): void {
    this.#current()?.operationDuration.record(seconds, dimensionsOf(attributes));
  }

  /** A listener's call has ended. @param seconds its duration */
  processed(seconds: number, attributes: Attributes): void {
    this.#current()?.processDuration.record(seconds, dimensionsOf(attributes));
  }

  sent(count: number, attributes: Attributes): void {
    this.#current()?.sent.add(count, dimensionsOf(attributes));
  }

  consumed(count: number, attributes: Attributes): void {
    this.#current()?.consumed.add(count, dimensionsOf(attributes));
  }

  /** The API has no stand-in for a meter that is registered later, as it has for tracers: it is looked up anew. */
  #current(): Instruments | undefined {
    const provider = this.#given ?? metrics.getMeterProvider();
    if (provider === this.#provider) return this.#instruments;
    this.#provider = provider;
    const meter = provider.getMeter(SCOPE);
    this.#instruments = meter === createNoopMeter() ? undefined : instrumentsOf(meter);
    return this.#instruments;
  }
}

function instrumentsOf(meter: Meter): Instruments {
  const seconds = { unit: 's', advice: { explicitBucketBoundaries: [...DURATION_BUCKETS] } };
  const messages = { unit: '{message}' };
  return {
    operationDuration: meter.createHistogram('messaging.client.operation.duration', {
      ...seconds,
      description: 'Duration of messaging operation initiated by a producer or consumer client.',
    }),
    processDuration: meter.createHistogram('messaging.process.duration', {
      ...seconds,
      description: 'Duration of processing operation.',
    }),
    sent: meter.createCounter('messaging.client.sent.messages', {
      ...messages,
      description: 'Number of messages producer attempted to send to the broker.',
    }),
    consumed: meter.createCounter('messaging.client.consumed.messages', {
      ...messages,
      description: 'Number of messages that were delivered to the application.',
    }),
  };
}

function dimensionsOf(attributes: Attributes): Attributes {
  const dimensions: Attributes = {};
  for (const name of DIMENSIONS) {
    if (attributes[name] !== undefined) dimensions[name] = attributes[name];
  }
  return dimensions;
}
