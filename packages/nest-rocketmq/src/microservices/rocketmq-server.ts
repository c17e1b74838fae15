// Serves the patterns of a Nest microservice from topics.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { INestApplicationContext } from '@nestjs/common';
import { Server } from '@nestjs/microservices';
import type { BaseRpcContext, CustomTransportStrategy, MessageHandler } from '@nestjs/microservices';
import type { Subscription } from 'rxjs';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import type { Consumption } from '../listeners/container-settings.js';
import { RocketMQListeners } from '../listeners/rocketmq-listeners.js';
import type { RocketMQModuleOptions } from '../options/rocketmq.options.js';
import { followStatus, openConnection } from './own-connection.js';
import type { RocketMQStatus } from './own-connection.js';
import { destinationOf } from './pattern-destination.js';
import { checkPatternOptions, listenersOf } from './pattern-handlers.js';
import type { PatternHandler } from './pattern-handlers.js';
import { learnFailures } from './rpc-failures.js';

/** The transport's id: patterns may be meant for it alone, as in `@EventPattern('order:created', ROCKETMQ_TRANSPORT)`. */
export const ROCKETMQ_TRANSPORT = Symbol.for('nest-rocketmq:transport');

/** Options of a `RocketMQServer`: the listeners of the app's RocketMQModule, or a connection of its own. */
export type RocketMQServerOptions =
  | {
      /** `app.get(RocketMQListeners)`: the patterns are served over the connection of the app's RocketMQModule. */
      listeners: RocketMQListeners;
    }
  | (RocketMQModuleOptions & { listeners?: undefined });

/** What `RocketMQServer.on` tells. */
export interface RocketMQServerEvents {
  /** A message of a pattern was consumed. */
  consumed: (consumption: Consumption) => void;
  /** A message of a pattern failed: it is delivered again, or goes to the dead letters. */
  failed: (consumption: Consumption) => void;
}

/**
 * The strategy of a Nest microservice on RocketMQ: `{ strategy: new RocketMQServer({ nameServer, group }) }`. An event is
 * consumed when all its handlers have succeeded; else it is delivered again, as for `@RocketMQMessageListener`. A request is
 * answered with what its handler returns, or with its error.
 */
export class RocketMQServer
  extends Server<{ [Event in keyof RocketMQServerEvents]: RocketMQServerEvents[Event] }, RocketMQStatus>
  implements CustomTransportStrategy
{
  override readonly transportId = ROCKETMQ_TRANSPORT;
  /** Nest 12 need not log the errors of event handlers: the group's log names the message, too. */
  override readonly propagatesEventHandlerErrors = true;
  readonly #handlers: PatternHandler[] = [];
  readonly #callbacks: { event: keyof RocketMQServerEvents; callback: (consumption: Consumption) => void }[] = [];
  #starting: Promise<void> | undefined;
  #own: INestApplicationContext | undefined;
  #listeners: RocketMQListeners | undefined;
  #exclude: (() => Promise<void>) | undefined;
  #watching: Subscription | undefined;
  #following: Subscription | undefined;

  /** @throws InvalidOptionError for `listeners` that are none; other options are checked by `listen` */
  constructor(private readonly options: RocketMQServerOptions = {}) {
    super();
    const { listeners } = options;
    if (listeners !== undefined && typeof (listeners as Partial<RocketMQListeners> | null)?.include !== 'function') {
      throw new InvalidOptionError('listeners', listeners, 'app.get(RocketMQListeners)', 'RocketMQServer');
    }
    learnFailures();
  }

  /** Nest calls it for each method with a pattern. @throws InvalidOptionError for a pattern or an option that is wrong */
  override addHandler(pattern: unknown, callback: MessageHandler, isEventHandler = false, extras: object = {}): void {
    const route = String(this.normalizePattern(pattern as string));
    checkPatternOptions({ route, isEvent: isEventHandler }, extras);
    this.#handlers.push({
      route,
      destination: destinationOf(pattern, route),
      isEvent: isEventHandler,
      options: extras,
      call: (payload, context) => callback(payload, context) as Promise<unknown>,
    });
    callback.isEventHandler = isEventHandler;
    callback.extras = extras;
    // Not linked by `next`, as Nest does: Nest would then not wait for all of them.
    if (!this.messageHandlers.has(route)) this.messageHandlers.set(route, callback);
  }

  /** Nest calls it to start listening. @param callback with the error, if it fails */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    this._status$.next('connecting');
    this.#starting = this.#start();
    try {
      await this.#starting;
    } catch (error) {
      await this.close();
      callback(error);
      return;
    }
    this.#following = followStatus(this.#listeners?.connection.status, (status) => this._status$.next(status));
    callback();
  }

  /** Nest calls it to stop listening. It waits for running handlers, at most for the option `shutdownTimeout`. */
  async close(): Promise<void> {
    // What is being opened would stay open.
    await this.#starting?.catch(() => undefined);
    const own = this.#own;
    const exclude = this.#exclude;
    this.#own = undefined;
    this.#exclude = undefined;
    this.#listeners = undefined;
    this.#following?.unsubscribe();
    if (own) await own.close();
    else await exclude?.();
    this.#watching?.unsubscribe();
    this._status$.next('disconnected');
  }

  /** Calls back for each message of a pattern, as `event` says. */
  on<Event extends keyof RocketMQServerEvents>(event: Event, callback: RocketMQServerEvents[Event]): this {
    this.#callbacks.push({ event, callback });
    return this;
  }

  /** The `RocketMQListeners` that serve the patterns. @throws InvalidOptionError before `listen` */
  unwrap<T = RocketMQListeners>(): T {
    if (this.#listeners) return this.#listeners as T;
    throw new InvalidOptionError(
      'unwrap',
      undefined,
      'a call after the microservice has begun to listen',
      'RocketMQServer',
    );
  }

  async #start(): Promise<void> {
    const listeners = listenersOf(this.#handlers).map((listener) => this.#hooked(listener));
    const { listeners: shared, ...options } = this.options;
    const serving = shared ?? (this.#own = await openConnection(options)).get<RocketMQListeners>(RocketMQListeners);
    this.#listeners = serving;
    const topics = new Set(listeners.map(({ options: { topic } }) => topic));
    this.#watching = serving.consumptions.subscribe((consumption) => {
      if (topics.has(consumption.context.topic)) this.#tell(consumption);
    });
    this.#exclude = await serving.include(listeners);
  }

  #tell(consumption: Consumption): void {
    for (const { event, callback } of this.#callbacks) if (event === consumption.outcome) callback(consumption);
  }

  /** Calls the handlers between Nest's two hooks, by which it counts what is under way. */
  #hooked(listener: DiscoveredListener): DiscoveredListener {
    const handle = (payload: unknown, context: RocketMQContext): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const rpcContext = context as unknown as BaseRpcContext;
        this.onProcessingStartHook(this.transportId, rpcContext, async () => {
          try {
            resolve(await listener.handle(payload, context));
          } catch (error) {
            reject(error);
          } finally {
            this.onProcessingEndHook?.(this.transportId, rpcContext);
          }
        });
      });
    return { ...listener, handle: (payload, context) => handle(payload, context as RocketMQContext) };
  }
}
