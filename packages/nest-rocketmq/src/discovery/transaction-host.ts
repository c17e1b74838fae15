// Makes a class with @RocketMQTransactionListener callable, whatever its scope.
import { InvalidListenerError } from '../errors.js';
import type { ListenerSelection } from './listener-selection.js';
import type { ListenerHost } from '../pipeline/listener-host.js';
import { classListenersOf, listenerMethodsOf, transactionListenerOf } from '../decorators/listener-metadata.js';
import type {
  RocketMQLocalTransactionListener,
  RocketMQTransactionChecker,
  TransactionListenerOptions,
} from '../decorators/listener-metadata.js';
import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '../nest/nest-metadata.js';

export interface DiscoveredTransactionListener {
  /** 'OrderTransactions (OrdersModule)' */
  readonly name: string;
  readonly options: TransactionListenerOptions;
  readonly instance: RocketMQTransactionChecker & Partial<RocketMQLocalTransactionListener>;
}

const METHODS = ['executeLocalTransaction', 'checkLocalTransaction'] as const;

const ENHANCERS = {
  guards: GUARDS_METADATA,
  interceptors: INTERCEPTORS_METADATA,
  pipes: PIPES_METADATA,
  'exception filters': EXCEPTION_FILTERS_METADATA,
};

export class TransactionHost {
  constructor(private readonly host: ListenerHost) {}

  /** An array of none or one. @throws InvalidListenerError, UnknownClusterError, InvalidOptionError */
  listeners(selection: ListenerSelection): DiscoveredTransactionListener[] {
    const { host } = this;
    const declared = transactionListenerOf(host.type);
    const name = `${host.type.name} (${host.wrapper.host?.name ?? 'no module'})`;
    if (!declared || !selection.takes(declared, name)) return [];
    this.#requireMethod('checkLocalTransaction');
    this.#refuseEnhancers();
    const where = `@RocketMQTransactionListener on ${name}`;
    const options = selection.read<TransactionListenerOptions>(declared, where);
    return [{ name, options, instance: this.#instance() }];
  }

  /** A request-scoped class has a new instance for each call. Its REQUEST is the call's context. */
  #instance(): DiscoveredTransactionListener['instance'] {
    const instanceFor = async (context: object): Promise<RocketMQLocalTransactionListener> =>
      (await this.host.instanceFor(this.host.scope(context))) as unknown as RocketMQLocalTransactionListener;
    const executing: Partial<RocketMQLocalTransactionListener> = this.host.method('executeLocalTransaction')
      ? {
          executeLocalTransaction: async (message, context) =>
            (await instanceFor(context)).executeLocalTransaction(message, context),
        }
      : {};
    return {
      ...executing,
      checkLocalTransaction: async (message, context) =>
        (await instanceFor(context)).checkLocalTransaction(message, context),
    };
  }

  #requireMethod(method: (typeof METHODS)[number]): void {
    if (this.host.method(method)) return;
    throw new InvalidListenerError(
      this.host.nameOf(method),
      'the class is decorated as a transaction listener but has no such method.',
    );
  }

  /** Guards and the like do not run here: nobody is denied, and a verdict is no response. Binding them must not look as if. */
  #refuseEnhancers(): void {
    const { host } = this;
    const onMethods = METHODS.map((method) => [host.method(method), host.nameOf(method)] as const);
    const onClass = this.#hasOtherHandlers() ? [] : [[host.type, host.type.name] as const];
    for (const [target, name] of [...onMethods, ...onClass]) {
      const bound = Object.entries(ENHANCERS).find(([, key]) => target && Reflect.hasMetadata(key, target));
      if (!bound) continue;
      throw new InvalidListenerError(
        name,
        `${bound[0]} do not run for a transaction listener. Remove them, and check inside the method.`,
      );
    }
  }

  /** Enhancers of the class are then meant for its routes or its messages. */
  #hasOtherHandlers(): boolean {
    const { type, wrapper } = this.host;
    const isController = wrapper.host?.controllers.get(wrapper.token) === wrapper;
    return isController || classListenersOf(type).length > 0 || listenerMethodsOf(type).length > 0;
  }
}
