// Makes the hook that reports an app's messages to OpenTelemetry.
import type { RocketMQHook } from '../options/hooks.js';
import { ConsumerTelemetry } from './consumer-telemetry.js';
import { checkOpenTelemetry } from './opentelemetry-options.js';
import type { OpenTelemetryOptions } from './opentelemetry-options.js';
import { ProducerTelemetry } from './producer-telemetry.js';
import { Telemetry } from './telemetry.js';

/**
 * Spans and metrics of an app's messages, by OpenTelemetry's messaging conventions:
 * `RocketMQModule.forRoot({ hooks: [openTelemetry()] })`. Until an SDK is registered it does next to nothing.
 * @throws InvalidOptionError
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): RocketMQHook {
  const telemetry = new Telemetry(checkOpenTelemetry(options));
  const producer = new ProducerTelemetry(telemetry);
  const consumer = new ConsumerTelemetry(telemetry);
  return {
    hookName: 'opentelemetry',
    isEnabled: () => !telemetry.isOff,
    sendMessageBefore: (context) => producer.begin(context),
    sendMessageAfter: (context) => producer.end(context),
    endTransaction: (context) => producer.endTransaction(context),
    consumeMessageBefore: (context) => consumer.beginProcess(context),
    aroundListener: (context, call) => consumer.around(context, call),
    consumeMessageAfter: (context) => consumer.endProcess(context),
    receiveMessageBefore: (context) => consumer.beginReceive(context),
    receiveMessageAfter: (context) => consumer.endReceive(context),
    settleMessageBefore: (context) => consumer.beginSettle(context),
    settleMessageAfter: (context) => consumer.endSettle(context),
  };
}
