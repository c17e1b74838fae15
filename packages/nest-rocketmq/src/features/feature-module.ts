// Makes what `RocketMQModule.forFeature` returns: topics, templates and pull consumers of one feature of the app.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { Module } from '@nestjs/common';
import type { DynamicModule, FactoryProvider, InjectionToken, ModuleMetadata } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { getRocketMQTemplateToken } from '../clusters/cluster-tokens.js';
import { checkKeys, inside } from '../option-checks.js';
import type { FromConfig, OptionReader } from '../options/option-reader.js';
import { checkTopics } from '../options/topic-options.js';
import type { TopicDeclaration, TopicOptions } from '../options/topic-options.js';
import { pullConsumerProviders } from '../pull/inject-pull-consumer.js';
import type { DeclaredPullConsumer } from '../pull/pull-consumer-options.js';
import { DEFAULT_CLUSTER, clusterToken } from '../rocketmq.tokens.js';
import { clusterNames, requirePart } from '../single-module.js';
import { ExtraTemplates, checkTemplateName } from '../template/extra-templates.js';
import type { TemplateOptions } from '../template/extra-templates.js';
import type { RocketMQTemplate } from '../template/rocketmq-template.js';

/** Options of `RocketMQModule.forFeature`. */
export interface RocketMQFeatureOptions {
  /** The cluster that they belong to: `name` of its forRoot. Default: the one without a name. */
  cluster?: string;
  /**
   * Topics that are created when the app starts, unless they exist. Two modules may declare the same topic, if they agree.
   * A list, or a function of the app's configuration that returns one.
   */
  topics?: TopicOptions[] | FromConfig<TopicOptions[]>;
  /** Templates with producers of their own, for `@InjectRocketMQTemplate(name)` in the importing module. */
  templates?: TemplateOptions[];
  /** Consumers for `@InjectPullConsumer()` in the importing module. */
  pullConsumers?: DeclaredPullConsumer[];
  /** What the cluster's forRoot returned, where that is not global. */
  imports?: ModuleMetadata['imports'];
}

/** The token of what a feature module declares. */
const FEATURE = Symbol.for('nest-rocketmq:feature');
const FOR_FEATURE = 'RocketMQModule.forFeature';
const OPTIONS = ['cluster', 'topics', 'templates', 'pullConsumers', 'imports'];

interface Feature {
  readonly cluster: string;
  readonly topics: RocketMQFeatureOptions['topics'];
}

/** What `RocketMQModule.forFeature` returns is made of. Not for the app. */
@Module({})
export class RocketMQFeatureModule {}

/** @throws InvalidOptionError */
export function featureModule(options: RocketMQFeatureOptions): DynamicModule {
  inside(FOR_FEATURE, undefined, () => checkKeys('options', options, OPTIONS));
  const { cluster = DEFAULT_CLUSTER, topics, templates = [], pullConsumers = [], imports = [] } = options;
  const shown = [
    ...inside(FOR_FEATURE, undefined, () => templateProviders(templates, cluster)),
    ...pullConsumerProviders(pullConsumers, FOR_FEATURE, cluster),
  ];
  const feature: Feature = { cluster, topics };
  const declaration: FactoryProvider = {
    provide: CHECKED_FEATURE,
    inject: [ModulesContainer],
    useFactory: (modules: ModulesContainer) =>
      requirePart(clusterNames(modules).includes(cluster) || undefined, modules, cluster, FOR_FEATURE),
  };
  return {
    module: RocketMQFeatureModule,
    imports,
    providers: [{ provide: FEATURE, useValue: feature }, declaration, ...shown],
    exports: shown.map(({ provide }) => provide),
  };
}

const CHECKED_FEATURE = Symbol.for('nest-rocketmq:feature-checked');

/** The topics that the app's feature modules declare for a cluster. @throws InvalidOptionError */
export function featureTopics(modules: ModulesContainer, cluster: string, reader: OptionReader): TopicDeclaration[] {
  return [...modules.values()].flatMap((module) => {
    const feature = module.providers.get(FEATURE)?.instance as Feature | undefined;
    if (feature?.topics === undefined || feature.cluster !== cluster) return [];
    const topics = inside(FOR_FEATURE, undefined, () =>
      checkTopics(reader.readOne<TopicOptions[]>('topics', feature.topics!)),
    );
    return [{ where: FOR_FEATURE, topics }];
  });
}

/** The token of a cluster's `ExtraTemplates`. */
export function extraTemplatesToken(cluster: string): InjectionToken {
  return clusterToken(ExtraTemplates, 'extra-templates', cluster);
}

function templateProviders(templates: readonly TemplateOptions[], cluster: string): FactoryProvider[] {
  if (!Array.isArray(templates)) {
    throw new InvalidOptionError(
      'templates',
      templates,
      "a list such as [{ name: 'bulk', producer: { autoBatch: true } }]",
    );
  }
  const names = new Set<string>();
  return (templates as TemplateOptions[]).map((options) => {
    const name = checkTemplateName(options, [DEFAULT_CLUSTER]);
    if (names.has(name)) throw new InvalidOptionError('templates', name, 'each with another name');
    names.add(name);
    return {
      provide: getRocketMQTemplateToken(name),
      inject: [ModulesContainer, { token: extraTemplatesToken(cluster), optional: true }],
      useFactory: (modules: ModulesContainer, all?: ExtraTemplates): RocketMQTemplate => {
        inside(FOR_FEATURE, undefined, () => checkTemplateName(options, clusterNames(modules)));
        return requirePart(all, modules, cluster, FOR_FEATURE).create(options, FOR_FEATURE);
      },
    };
  });
}
