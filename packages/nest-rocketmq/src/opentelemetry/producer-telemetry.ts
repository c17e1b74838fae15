// Makes the spans and metrics of what is sent.
import { SpanKind, context as contexts, trace } from '@opentelemetry/api';
import type { Attributes, Context, Link } from '@opentelemetry/api';
import type { EndTransactionContext, SendMessageContext, SendResult, SentMessageContext } from '@nest-rocketmq/client';
import { MESSAGING, operation, outgoing, partition, server } from './attributes.js';
import { errorType } from './error-type.js';
import { inject, messageContext } from './propagation.js';
import { secondsOf, spanName } from './telemetry.js';
import type { Operation, Telemetry } from './telemetry.js';

/** Transactions whose span waits for their end. Beyond that the oldest is taken for lost, and its span ends. */
const MOST_OPEN_TRANSACTIONS = 10_000;

export class ProducerTelemetry {
  readonly #telemetry: Telemetry;
  readonly #sends = new WeakMap<SendMessageContext, Operation>();
  /** By message id. */
  readonly #transactions = new Map<string, Operation>();

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  begin(context: SendMessageContext): void {
    const active = contexts.active();
    const isBatch = context.call === 'sendBatch';
    const attributes = {
      ...operation('send', context.topic),
      ...own(context),
      ...(isBatch ? { [MESSAGING.batchCount]: context.messages.length } : this.#of(context, context.messages[0]!)),
    };
    // A batch's messages are created by spans of their own, which is what consumers go on from.
    const links = isBatch ? context.messages.map((message) => this.#create(context, message, active)) : [];
    const kind = isBatch ? SpanKind.CLIENT : SpanKind.PRODUCER;
    const begun = this.#telemetry.begin(spanName('send', context.topic), { kind, attributes, links }, active);
    this.#sends.set(context, begun);
    if (!isBatch) this.#inject(trace.setSpan(active, begun.span), context.messages[0]!);
  }

  end(context: SentMessageContext): void {
    const begun = this.#sends.get(context);
    if (!begun) return;
    const { exception, sendResults, messageType } = context;
    const failure = exception === undefined ? undefined : { type: errorType(exception), error: exception };
    const all = this.#telemetry.complete(begun, answered(context), failure);
    const { metrics } = this.#telemetry;
    metrics.called(secondsOf(begun), all);
    metrics.sent(context.messages.length, all);
    const [result] = sendResults;
    if (messageType === 'TRANSACTION' && result && !failure) this.#keep(result, begun);
    else begun.span.end();
  }

  endTransaction(context: EndTransactionContext): void {
    if (context.half) return this.#answered(context, messageContext(context.half, this.#telemetry.options.propagator));
    const begun = this.#transactions.get(context.msgId);
    if (!begun) return;
    this.#transactions.delete(context.msgId);
    begun.span.addEvent(context.transactionState);
    if (context.exception instanceof Error) begun.span.recordException(context.exception);
    begun.span.end();
  }

  /** A broker had asked, perhaps another process than that which had sent the message. */
  #answered(context: EndTransactionContext, parent: Context): void {
    const attributes = {
      ...operation('settle', context.topic),
      ...own(context),
      ...server(context.brokerAddr),
      [MESSAGING.messageId]: context.msgId,
      [MESSAGING.messageType]: 'transaction',
    };
    const name = spanName('settle', context.topic);
    const begun = this.#telemetry.begin(name, { kind: SpanKind.CLIENT, attributes }, parent);
    begun.span.addEvent(context.transactionState);
    begun.span.end();
  }

  #create(context: SendMessageContext, message: SendMessageContext['messages'][number], active: Context): Link {
    const attributes = { ...operation('create', message.topic), ...own(context), ...this.#of(context, message) };
    const name = spanName('create', message.topic);
    const { span } = this.#telemetry.begin(name, { kind: SpanKind.PRODUCER, attributes }, active);
    this.#inject(trace.setSpan(active, span), message);
    span.end();
    return { context: span.spanContext() };
  }

  #of(context: SendMessageContext, message: SendMessageContext['messages'][number]): Attributes {
    return outgoing(message, context, { now: Date.now(), bodySize: this.#telemetry.options.bodySize });
  }

  #inject(context: Context, { properties }: SendMessageContext['messages'][number]): void {
    inject(context, properties, this.#telemetry.options.propagator);
  }

  #keep({ msgId }: SendResult, begun: Operation): void {
    begun.span.addEvent('half message stored');
    this.#transactions.set(msgId, begun);
    const [oldest] = this.#transactions;
    if (this.#transactions.size <= MOST_OPEN_TRANSACTIONS || !oldest) return;
    this.#transactions.delete(oldest[0]);
    oldest[1].span.end();
  }
}

function own({ clientId, namespace }: Pick<SendMessageContext, 'clientId' | 'namespace'>): Attributes {
  return { [MESSAGING.clientId]: clientId, [MESSAGING.namespace]: namespace };
}

/** What is known when a broker has answered. */
function answered({ sendResults, brokerAddr, call }: SentMessageContext): Attributes {
  const [result] = sendResults;
  const isOne = call !== 'sendBatch' && result;
  return {
    ...server(brokerAddr),
    ...(isOne && { [MESSAGING.messageId]: isOne.msgId, ...partition(isOne.messageQueue) }),
  };
}
