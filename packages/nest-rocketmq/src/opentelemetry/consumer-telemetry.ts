// Makes the spans and metrics of what is received, processed and given back.
import { ROOT_CONTEXT, SpanKind, context as contexts, trace } from '@opentelemetry/api';
import type { Attributes, Context, Link } from '@opentelemetry/api';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type {
  ConsumeMessageContext,
  ConsumedMessageContext,
  ConsumerHookContext,
  ReceiveMessageContext,
  ReceivedMessageContext,
  SettleMessageContext,
  SettledMessageContext,
} from '@nest-rocketmq/client';
import { MESSAGING, incoming, operation, partition, server } from './attributes.js';
import { errorType, outcomeError } from './error-type.js';
import { messageContext } from './propagation.js';
import { secondsOf, spanName } from './telemetry.js';
import type { Failure, Operation, Telemetry } from './telemetry.js';

export class ConsumerTelemetry {
  readonly #telemetry: Telemetry;
  readonly #processing = new WeakMap<ConsumeMessageContext, Operation & { readonly inner: Context }>();
  /** What is given back belongs to the call that had the message. */
  readonly #processed = new WeakMap<MessageExt, Context>();
  readonly #receiving = new WeakMap<
    ReceiveMessageContext,
    { readonly startedAt: number; readonly startTime: number }
  >();
  readonly #settling = new WeakMap<SettleMessageContext, Operation>();

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  beginProcess(context: ConsumeMessageContext): void {
    const { topic, messages, isBatch, messageQueue, brokerAddr } = context;
    const { bodySize, processSpan } = this.#telemetry.options;
    const attributes = {
      ...operation('process', topic),
      ...own(context),
      ...partition(messageQueue),
      ...server(brokerAddr),
      ...(isBatch ? { [MESSAGING.batchCount]: messages.length } : incoming(messages[0]!, bodySize)),
    };
    const isChild = !isBatch && processSpan === 'child';
    const links = isChild ? [] : this.#linksTo(messages);
    // What is active here is by chance: of whoever has started the app, or sends within this process.
    const parent = isChild ? this.#creationOf(messages[0]!) : ROOT_CONTEXT;
    const kind = SpanKind.CONSUMER;
    const begun = this.#telemetry.begin(spanName('process', topic), { kind, attributes, links }, parent);
    const inner = trace.setSpan(parent, begun.span);
    this.#processing.set(context, { ...begun, inner });
    for (const message of messages) this.#processed.set(message, inner);
  }

  around<T>(context: ConsumeMessageContext, call: () => T): T {
    const processing = this.#processing.get(context);
    return processing ? contexts.with(processing.inner, call) : call();
  }

  endProcess(context: ConsumedMessageContext): void {
    const processing = this.#processing.get(context);
    if (!processing) return;
    const all = this.#telemetry.complete(processing, {}, failureOf(context));
    this.#telemetry.metrics.processed(secondsOf(processing), all);
    this.#telemetry.metrics.consumed(context.messages.length, all);
    processing.span.end();
  }

  beginReceive(context: ReceiveMessageContext): void {
    this.#receiving.set(context, { startedAt: performance.now(), startTime: Date.now() });
  }

  /** A poll that found nothing has no span: a loop of them would drown the others. */
  endReceive(context: ReceivedMessageContext): void {
    const receiving = this.#receiving.get(context);
    const { messages, topic, brokerAddr, exception } = context;
    if (!receiving || (messages.length === 0 && exception === undefined)) return;
    const { bodySize } = this.#telemetry.options;
    const [first] = messages;
    const attributes = {
      ...operation('receive', topic),
      ...own(context),
      ...server(brokerAddr),
      ...queueOf(messages),
      ...(messages.length === 1 ? incoming(first!, bodySize) : { [MESSAGING.batchCount]: messages.length }),
    };
    const { startTime } = receiving;
    const options = { kind: SpanKind.CLIENT, attributes, links: this.#linksTo(messages), startTime };
    const begun = this.#telemetry.begin(spanName('receive', topic), options, contexts.active());
    const failure = exception === undefined ? undefined : { type: errorType(exception), error: exception };
    const all = this.#telemetry.complete(begun, {}, failure);
    this.#telemetry.metrics.called(secondsOf(receiving), all);
    if (messages.length > 0) this.#telemetry.metrics.consumed(messages.length, all);
    begun.span.end();
  }

  beginSettle(context: SettleMessageContext): void {
    const { topic, message, brokerAddr } = context;
    const attributes = {
      ...operation('settle', topic),
      ...own(context),
      ...server(brokerAddr),
      ...(message.brokerName !== undefined && partition({ brokerName: message.brokerName, queueId: message.queueId })),
      ...incoming(message, this.#telemetry.options.bodySize),
    };
    const parent = this.#processed.get(message) ?? this.#creationOf(message);
    const begun = this.#telemetry.begin(spanName('settle', topic), { kind: SpanKind.CLIENT, attributes }, parent);
    begun.span.addEvent(context.outcome.kind);
    this.#settling.set(context, begun);
  }

  endSettle(context: SettledMessageContext): void {
    const begun = this.#settling.get(context);
    if (!begun) return;
    const all = this.#telemetry.complete(begun, {}, context.success ? undefined : { type: 'SEND_BACK_FAILED' });
    this.#telemetry.metrics.called(secondsOf(begun), all);
    begun.span.end();
  }

  #creationOf(message: MessageExt): Context {
    return messageContext(message, this.#telemetry.options.propagator);
  }

  #linksTo(messages: readonly MessageExt[]): Link[] {
    return messages.flatMap((message) => {
      const creation = trace.getSpanContext(this.#creationOf(message));
      return creation ? { context: creation } : [];
    });
  }
}

function own({ consumerGroup, clientId, namespace, messageModel }: ConsumerHookContext): Attributes {
  return {
    [MESSAGING.consumerGroup]: consumerGroup,
    [MESSAGING.clientId]: clientId,
    [MESSAGING.namespace]: namespace,
    [MESSAGING.consumptionModel]: messageModel.toLowerCase(),
  };
}

/** Of all of them, if it is one. */
function queueOf(messages: readonly MessageExt[]): Attributes {
  const queues = new Set(messages.map(({ brokerName, queueId }) => `${brokerName}:${queueId}`));
  const [first] = messages;
  const { brokerName, queueId } = first ?? {};
  return queues.size === 1 && brokerName !== undefined && queueId !== undefined
    ? partition({ brokerName, queueId })
    : {};
}

/** A call has failed if one of its messages has. */
function failureOf({ outcomes, exception }: ConsumedMessageContext): Failure | undefined {
  if (!outcomes) return { type: errorType(exception), error: exception };
  return outcomes.map(outcomeError).find((failure) => failure !== undefined);
}
