// Sends the events and requests of Nest's ClientProxy as messages.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { INestApplicationContext } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import type { ReadPacket, WritePacket } from '@nestjs/microservices';
import type { Observable, Subscription } from 'rxjs';
import type { RocketMQModuleOptions } from '../options/rocketmq.options.js';
import { RocketMQTemplate } from '../template/rocketmq-template.js';
import type { DestinationObject } from '../message/destination.js';
import { inside } from '../option-checks.js';
import { followStatus, openConnection } from './own-connection.js';
import type { RocketMQStatus } from './own-connection.js';
import { destinationOf } from './pattern-destination.js';
import { recordOf } from './rocketmq-record.js';
import type { RocketMQRecordOptions } from './rocketmq-record.js';
import { errorIn, isErrorReply } from './rpc-error.js';

/** Options of a `RocketMQClientProxy`: the template of the app's RocketMQModule, or a connection of its own. */
export type RocketMQClientOptions =
  | {
      /** `app.get(RocketMQTemplate)`: messages go out over the connection of the app's RocketMQModule. */
      template: RocketMQTemplate;
    }
  | (RocketMQModuleOptions & { template?: undefined });

/**
 * Nest's client on RocketMQ: `ClientsModule.register([{ name, customClass: RocketMQClientProxy, options }])`. `emit` resolves
 * with the SendResult when a broker has stored the message. `send` resolves with the answer, or fails with the handler's error.
 */
export class RocketMQClientProxy extends ClientProxy {
  #opening: Promise<RocketMQTemplate> | undefined;
  #own: INestApplicationContext | undefined;
  #following: Subscription | undefined;

  /** @throws InvalidOptionError for a `template` that is none; other options are checked by `connect` */
  constructor(private readonly options: RocketMQClientOptions = {}) {
    super();
    const { template } = options;
    if (template !== undefined && typeof (template as Partial<RocketMQTemplate> | null)?.request !== 'function') {
      throw new InvalidOptionError('template', template, 'app.get(RocketMQTemplate)', 'RocketMQClientProxy');
    }
  }

  /** What the connection is doing, with the last value first. */
  override get status(): Observable<RocketMQStatus> {
    return super.status as Observable<RocketMQStatus>;
  }

  /**
   * Connects, unless it is connected. `emit` and `send` do it, too.
   * @throws InvalidOptionError, NameServerUnreachableError, StoreInUseError
   */
  async connect(): Promise<RocketMQTemplate> {
    const opening = (this.#opening ??= this.#open());
    try {
      return await opening;
    } catch (error) {
      // The next call tries again.
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    }
  }

  /** Closes a connection of its own. That of the app's RocketMQModule stays open. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    await opening?.catch(() => undefined);
    const own = this.#own;
    this.#own = undefined;
    this.#following?.unsubscribe();
    await own?.close();
    if (opening) this._status$.next('disconnected');
  }

  /** The `RocketMQTemplate` that it sends with. @throws InvalidOptionError before `connect` */
  unwrap<T = RocketMQTemplate>(): T {
    const template = this.options.template ?? this.#own?.get(RocketMQTemplate);
    if (template) return template as T;
    throw new InvalidOptionError('unwrap', undefined, 'a call after connect()', 'RocketMQClientProxy');
  }

  /** @returns gives the request up */
  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const giveUp = new AbortController();
    void this.#answer(packet, giveUp.signal, callback);
    return () => giveUp.abort();
  }

  protected async dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    const { destination, data, options } = this.#message(packet);
    const { payload: _ofTheAnswer, ...sending } = options;
    return (await (await this.connect()).send(destination, data, sending)) as T;
  }

  async #answer(packet: ReadPacket, signal: AbortSignal, callback: (packet: WritePacket) => void): Promise<void> {
    let answer: WritePacket;
    try {
      answer = await this.#ask(packet, signal);
    } catch (err) {
      answer = { err, isDisposed: true };
    }
    callback(answer);
  }

  async #ask(packet: ReadPacket, signal: AbortSignal): Promise<WritePacket> {
    const { destination, data, options } = this.#message(packet);
    let isError = false;
    const onReply = (properties: ReadonlyMap<string, string>): void => void (isError = isErrorReply(properties));
    const template = await this.connect();
    const response = await template.request(destination, data, { ...options, signal, onReply });
    return isError ? { err: errorIn(response), isDisposed: true } : { response, isDisposed: true };
  }

  #message({ pattern, data, ...rest }: ReadPacket): Outgoing {
    const destination = inside('RocketMQClientProxy', undefined, () =>
      destinationOf(pattern, String(this.normalizePattern(pattern as string))),
    );
    const record = recordOf(data);
    // Nest 12: what a hook has put beside the data.
    const { metadata } = rest as { metadata?: Record<string, string> };
    const properties = metadata && { properties: { ...metadata, ...record.options.properties } };
    return { destination, data: record.data, options: { ...record.options, ...properties } };
  }

  async #open(): Promise<RocketMQTemplate> {
    const { template: shared, ...options } = this.options;
    this._status$.next('connecting');
    try {
      if (!shared) this.#own = await openConnection(options);
    } catch (error) {
      this._status$.next('disconnected');
      throw error;
    }
    const template: RocketMQTemplate = shared ?? this.#own!.get(RocketMQTemplate);
    this.#following = followStatus(template.connection.status, (status) => this._status$.next(status));
    return template;
  }
}

interface Outgoing {
  readonly destination: DestinationObject;
  readonly data: unknown;
  readonly options: RocketMQRecordOptions;
}
