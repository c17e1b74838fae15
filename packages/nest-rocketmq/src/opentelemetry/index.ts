// The public door of nest-rocketmq/opentelemetry.
export { openTelemetry } from './opentelemetry.js';
export type { OpenTelemetryOptions } from './opentelemetry-options.js';
export { MESSAGING } from './attributes.js';
export type { OperationType } from './attributes.js';
export { DURATION_BUCKETS, SCOPE } from './messaging-metrics.js';
export { messageContext, registeredPropagator, w3cTraceContext } from './propagation.js';
