// Makes the templates that feature modules declare: each has a producer of its own on a cluster's connection.
import { Inject, Injectable } from '@nestjs/common';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import type { DroppedReply, Producer, RequestCounts } from '@nest-rocketmq/client';
import type { Observable } from 'rxjs';
import type { ConnectionStatus } from '../connection-status.js';
import { checkGroup } from '../message/destination.js';
import type { MessageConverter } from '../message/message-converter.js';
import { checkKeys, checkMethods, inside, located } from '../option-checks.js';
import type { Configurable } from '../options/option-reader.js';
import { checkProducer } from '../options/producer-settings.js';
import type { ProducerSettings } from '../options/producer-settings.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { Receiver } from '../pull/receiver.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import type { ExtraProducer, ProducerSource } from '../rocketmq-connection.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import { TransactionListeners } from '../transactions/transaction-listeners.js';
import { Requester } from './requester.js';
import { RocketMQTemplate } from './rocketmq-template.js';

interface Settings {
  /** Its producer group. Default: the cluster's `group`, '-' and the template's name. */
  group?: string;
  /** Settings of its producer. Default: those of the cluster. */
  producer?: ProducerSettings;
  /** Default: the cluster's. */
  messageConverter?: MessageConverter;
}

/** A template of `forFeature`, with a producer of its own. Each option is a value or a function of the app's configuration. */
export type TemplateOptions = Configurable<Settings> & {
  /** By which `@InjectRocketMQTemplate(name)` asks for it. It is no name of a cluster. */
  name: string;
};

const OPTIONS = ['name', 'group', 'producer', 'messageConverter'];

@Injectable()
export class ExtraTemplates {
  constructor(
    private readonly connection: RocketMQConnection,
    private readonly transactions: TransactionListeners,
    private readonly receiver: Receiver,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @param where what the user called, for errors @throws InvalidOptionError */
  create({ name, ...declared }: TemplateOptions, where: string): RocketMQTemplate {
    const { group, producer, messageConverter } = inside(where, `templates.${name}`, () => this.#checked(declared));
    const options: ResolvedOptions = {
      ...this.options,
      ...(producer && { producer: inside(where, `templates.${name}`, () => checkProducer(producer)) }),
      ...(messageConverter && { messageConverter }),
    };
    const source = new OwnProducer(this.connection, {
      group: group ?? `${this.options.group}-${name}`,
      settings: options.producer,
      where,
    });
    const requester = new Requester(source, options);
    return new RocketMQTemplate(source, this.transactions, requester, this.receiver, options);
  }

  #checked(declared: Configurable<Settings>): Settings {
    checkKeys('options', declared, OPTIONS);
    const { group, producer, messageConverter } = this.options.reader.read<Settings>(declared);
    if (group !== undefined) checkGroup('group', group);
    if (messageConverter !== undefined) checkMethods('messageConverter', messageConverter, ['encode', 'decode']);
    return { group, producer, messageConverter };
  }
}

/** Names are tokens, so they are checked before the app starts. @throws InvalidOptionError */
export function checkTemplateName(options: TemplateOptions, clusters: readonly string[]): string {
  const name: unknown = options?.name;
  if (typeof name !== 'string' || name.trim() === '') {
    throw new InvalidOptionError(
      'templates.name',
      name,
      'a non-empty string, by which @InjectRocketMQTemplate asks for it',
    );
  }
  if (!clusters.includes(name)) return name;
  throw new InvalidOptionError('templates.name', name, `no name of a cluster; those are ${clusters.join(', ')}`);
}

/** Started by the first send. */
class OwnProducer implements ProducerSource {
  #producer: Promise<Producer> | undefined;
  #running: Producer | undefined;

  constructor(
    private readonly connection: RocketMQConnection,
    private readonly extra: ExtraProducer & { readonly where: string },
  ) {}

  get clock(): Clock | undefined {
    return this.connection.clock;
  }

  get status(): ConnectionStatus {
    return this.connection.status;
  }

  get droppedReplies(): Observable<DroppedReply> {
    return this.connection.droppedReplies;
  }

  get requestCounts(): RequestCounts {
    return this.connection.requestCounts;
  }

  get running(): Producer | undefined {
    return this.connection.running && this.#running;
  }

  async producer(): Promise<Producer> {
    // An app that is closed says so, whatever has been started.
    await this.connection.producer();
    this.#producer ??= this.connection.extraProducer(this.extra).catch((error: unknown) => {
      this.#producer = undefined;
      throw located(error, this.extra.where, 'templates.producer');
    });
    this.#running = await this.#producer;
    return this.#running;
  }
}
