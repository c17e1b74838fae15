// Gives the filter of each subscription, by tags or by an SQL92 expression, or says why it has none.
import { RequestRefusedError, ResponseCode, printable } from '@nest-rocketmq/remoting/internal';
import type { Clock, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import { filterFault } from '../config/limits.js';
import type { MessageFilter } from '../store/message.js';
import type { FilterLimits } from './sql92/parser.js';
import { SqlFilter } from './sql92/sql-filter.js';
import { everything, isTagType, tagFilter } from './tag-filter.js';

export interface FilterOptions extends FilterLimits {
  readonly enablePropertyFilter: boolean;
  readonly maxFilterLength: number;
  /** Time that one pull spends on evaluating, ms; then it is answered with what it has. */
  readonly maxFilterTimePerPull: number;
  readonly clock: Clock;
}

/** Which messages of a topic a group wants. */
export interface SubscriptionFilter {
  /**
   * A filter for one pull; undefined where all are wanted. It stops by itself when the pull has taken its time, and
   * lets through what it gets no record of.
   */
  forPull(): MessageFilter | undefined;
  /** Whether a message is wanted, by its tags code alone; undefined where its record decides. */
  byTagsCode(tagsCode: number): boolean | undefined;
  /** @param record a whole one */
  byRecord(record: Buffer): boolean;
}

const SQL92 = 'SQL92';
/** Compiled expressions that are kept for pulls that bring theirs along, as many as in Apache's broker. */
const MOST_KEPT = 100;

export class SubscriptionFilters {
  /** By what came with the heartbeats. */
  readonly #ofSubscriptions = new WeakMap<SubscriptionData, SubscriptionFilter | RequestRefusedError>();
  /** By expression, the oldest first. */
  readonly #kept = new Map<string, SubscriptionFilter>();

  constructor(readonly options: FilterOptions) {}

  /**
   * Of a subscription that a heartbeat brought.
   * @throws RequestRefusedError FILTER_DATA_NOT_EXIST where its expression is wrong, as Apache's broker does
   */
  ofSubscription(subscription: SubscriptionData): SubscriptionFilter {
    let filter = this.#ofSubscriptions.get(subscription);
    if (!filter) this.#ofSubscriptions.set(subscription, (filter = this.#compiled(subscription)));
    if (filter instanceof RequestRefusedError) throw filter;
    return filter;
  }

  /**
   * Of an expression that a request brings along.
   * @throws RequestRefusedError SUBSCRIPTION_PARSE_FAILED with the position, or SYSTEM_ERROR where SQL92 is switched off
   */
  ofExpression(expression: string, expressionType: string | undefined): SubscriptionFilter {
    const fault = filterFault(expression, this.options.maxFilterLength);
    if (fault !== undefined) throw new RequestRefusedError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, fault);
    if (isTagType(expressionType)) return byTags(tagFilter(expression));
    this.#requireSql(expressionType);
    const known = this.#kept.get(expression);
    if (known) return known;
    const filter = this.#bySql(expression);
    if (this.#kept.size >= MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(expression, filter);
    return filter;
  }

  #compiled({ subString, expressionType }: SubscriptionData): SubscriptionFilter | RequestRefusedError {
    if (isTagType(expressionType)) return byTags(tagFilter(subString));
    try {
      this.#requireSql(expressionType);
      return this.#bySql(subString);
    } catch (error) {
      if (!(error instanceof RequestRefusedError)) throw error;
      if (error.responseCode !== ResponseCode.SUBSCRIPTION_PARSE_FAILED) return error;
      const remark = `the consumer's filter data does not exist, its expression is wrong: ${error.message}`;
      return new RequestRefusedError(ResponseCode.FILTER_DATA_NOT_EXIST, remark);
    }
  }

  #requireSql(expressionType: string | undefined): void {
    const type = printable(expressionType ?? '');
    if (expressionType !== SQL92) {
      const remark = `the expression type ${type} is not known: it is TAG or ${SQL92}`;
      throw new RequestRefusedError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, remark);
    }
    if (this.options.enablePropertyFilter) return;
    const remark = `The broker does not support consumer to filter message by ${type}`;
    throw new RequestRefusedError(ResponseCode.SYSTEM_ERROR, remark);
  }

  #bySql(expression: string): SubscriptionFilter {
    const { options } = this;
    const filter = new SqlFilter(expression, options);
    return {
      forPull: () => forOnePull(filter, options),
      byTagsCode: () => undefined,
      byRecord: (record) => filter.matches(record),
    };
  }
}

function byTags(filter: (tagsCode: number) => boolean): SubscriptionFilter {
  const chosen = filter === everything ? undefined : filter;
  return { forPull: () => chosen, byTagsCode: filter, byRecord: () => true };
}

/** The first message is always looked at: each pull goes on. */
function forOnePull(filter: SqlFilter, { clock, maxFilterTimePerPull }: FilterOptions): MessageFilter {
  let end: number | undefined;
  return (_tagsCode, record) => {
    if (end !== undefined && clock.monotonic() > end) return undefined;
    const bytes = record();
    if (!bytes) return true;
    end ??= clock.monotonic() + maxFilterTimePerPull;
    return filter.matches(bytes);
  };
}
