// Finds the key of each message of a listener, in the listener's scope.
import type { Logger } from '@nest-rocketmq/remoting/internal';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { AnyIdempotentOptions } from './idempotent.js';
import { defaultKey, keyForReplay } from './message-key.js';
import type { IdempotencyKey } from './stores/idempotency-store.js';

export class ListenerKeys {
  #hasWarned = false;

  /** @param name 'CancelUnpaidOrder.onMessage (OrdersModule)' */
  constructor(
    private readonly name: string,
    private readonly options: AnyIdempotentOptions,
    private readonly logger: Logger,
  ) {}

  /** Undefined, with a warning once, for a message that has none. @throws what the option `key` threw */
  async of(payload: unknown, context: RocketMQContext): Promise<IdempotencyKey | undefined> {
    const { key: keyOf, scope } = this.options;
    const key = keyOf ? await keyOf(payload, context) : defaultKey(context);
    if (key === undefined || key === '') {
      this.#warn(context);
      return undefined;
    }
    return {
      scope: scope ?? `${context.group}/${this.name.replace(/ \(.*\)$/, '')}`,
      key: keyForReplay(String(key), context),
    };
  }

  #warn({ msgId }: RocketMQContext): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const why = this.options.key
      ? 'option key of @Idempotent returned none'
      : 'it has neither exactly one key nor a UNIQ_KEY';
    this.logger.warn(`${this.name}: message ${msgId} is not protected from being worked on twice, since ${why}`);
  }
}
