// Puts the module of one cluster together.
import { Logger } from '@nestjs/common';
import type { DynamicModule, FactoryProvider, InjectionToken, Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { RocketMQAdmin } from './admin/rocketmq-admin.js';
import { ClusterBackend } from './backends/backend.js';
import type { RocketMQBackend } from './backends/backend.js';
import { EmbeddedBackend } from './backends/embedded-backend.js';
import { clusterProviders } from './clusters/cluster-providers.js';
import { withToken } from './clusters/with-token.js';
import {
  getRocketMQAdminToken,
  getRocketMQBackendToken,
  getRocketMQHealthToken,
  getRocketMQListenersToken,
  getRocketMQOptionsToken,
  getRocketMQTemplateToken,
} from './clusters/cluster-tokens.js';
import { ListenerExplorer } from './discovery/listener-explorer.js';
import { extraTemplatesToken, featureTopics } from './features/feature-module.js';
import { RocketMQIdempotency } from './idempotency/rocketmq-idempotency.js';
import { RocketMQHealth } from './health/rocketmq-health.js';
import { LazyModules } from './listeners/lazy-modules.js';
import { RocketMQListeners } from './listeners/rocketmq-listeners.js';
import { findConfigService } from './nest/config-service.js';
import { LifecycleHooks } from './nest/lifecycle-hooks.js';
import { NAME_SERVER_ENV } from './options/backend-choice.js';
import { loggerOf } from './options/cluster-logger.js';
import { environmentReader } from './options/option-reader.js';
import type { ConfigReader } from './options/option-reader.js';
import { resolveOptions } from './options/rocketmq.options.js';
import type { ResolvedOptions, RocketMQModuleOptions } from './options/rocketmq.options.js';
import { pullConsumerProviders, pullConsumersToken } from './pull/inject-pull-consumer.js';
import type { DeclaredPullConsumer } from './pull/pull-consumer-options.js';
import { PullConsumers } from './pull/pull-consumers.js';
import { Receiver } from './pull/receiver.js';
import { Replier } from './reply/replier.js';
import { RocketMQConnection } from './rocketmq-connection.js';
import { RocketMQLifecycle } from './rocketmq-lifecycle.js';
import {
  DEFAULT_CLUSTER,
  ROCKETMQ_BACKEND,
  ROCKETMQ_CLUSTER,
  ROCKETMQ_OPTIONS,
  ROCKETMQ_OPTIONS_ORIGIN,
  ROCKETMQ_RESOLVED_OPTIONS,
  clusterToken,
} from './rocketmq.tokens.js';
import { clusterNames, refuseSecondModule } from './single-module.js';
import { ExtraTemplates } from './template/extra-templates.js';
import { Requester } from './template/requester.js';
import { RocketMQTemplate } from './template/rocketmq-template.js';
import { TransactionListeners } from './transactions/transaction-listeners.js';

const resolvedOptions: FactoryProvider = {
  provide: ROCKETMQ_RESOLVED_OPTIONS,
  inject: [ROCKETMQ_OPTIONS, ModulesContainer, ROCKETMQ_OPTIONS_ORIGIN, ROCKETMQ_CLUSTER],
  useFactory: (
    given: RocketMQModuleOptions,
    modules: ModulesContainer,
    where: string,
    name: string,
  ): ResolvedOptions => {
    refuseSecondModule(modules, name);
    return resolveOptions(given, process.env, where, {
      cluster: { name, known: clusterNames(modules) },
      config: configOf(modules),
      featureTopics: (reader) => featureTopics(modules, name, reader),
    });
  },
};

const backend: FactoryProvider = {
  provide: ROCKETMQ_BACKEND,
  inject: [ROCKETMQ_RESOLVED_OPTIONS],
  useFactory: ({ backend: choice, cluster }: ResolvedOptions): RocketMQBackend => {
    if (choice.kind === 'custom') return choice.backend;
    if (choice.kind === 'cluster') return new ClusterBackend(choice.nameServer);
    const logger: Logger = loggerOf(cluster);
    if (choice.doubt) logger.warn(`starting a broker inside this process, since ${choice.doubt}. ${HOW_TO_CHOOSE}`);
    return new EmbeddedBackend(choice.embedded, logger);
  },
};

const HOW_TO_CHOOSE = `If you want that, set { embedded: {} }. To join a cluster set nameServer, or ${NAME_SERVER_ENV}.`;

/** In the order in which Nest calls their hooks. */
const PARTS: readonly (Type<object> | FactoryProvider)[] = [
  resolvedOptions,
  backend,
  LifecycleHooks,
  RocketMQIdempotency,
  ListenerExplorer,
  TransactionListeners,
  RocketMQConnection,
  Replier,
  Requester,
  PullConsumers,
  Receiver,
  RocketMQListeners,
  RocketMQAdmin,
  RocketMQHealth,
  LazyModules,
  RocketMQLifecycle,
  RocketMQTemplate,
  ExtraTemplates,
];

/** @param definition of Nest's builder, which provides the options @param name of the cluster */
export function clusterModule(
  definition: DynamicModule,
  name: string,
  pullConsumers: readonly DeclaredPullConsumer[],
): DynamicModule {
  const shown = new Map<InjectionToken, InjectionToken>([
    [RocketMQTemplate, getRocketMQTemplateToken(name)],
    [RocketMQListeners, getRocketMQListenersToken(name)],
    [RocketMQAdmin, getRocketMQAdminToken(name)],
    [RocketMQHealth, getRocketMQHealthToken(name)],
    [RocketMQIdempotency, clusterToken(RocketMQIdempotency, 'idempotency', name)],
    [PullConsumers, pullConsumersToken(name)],
    [ExtraTemplates, extraTemplatesToken(name)],
  ]);
  const inner = new Map<InjectionToken, InjectionToken>([
    [ROCKETMQ_OPTIONS, getRocketMQOptionsToken(name)],
    [ROCKETMQ_BACKEND, getRocketMQBackendToken(name)],
    [RocketMQConnection, clusterToken(RocketMQConnection, 'connection', name)],
    [ROCKETMQ_RESOLVED_OPTIONS, clusterToken(ROCKETMQ_RESOLVED_OPTIONS, 'resolved-options', name)],
  ]);
  const consumers = pullConsumerProviders(pullConsumers, 'RocketMQModule.forRoot', name);
  const given = (definition.providers ?? []).map((provider) =>
    withToken(provider, ROCKETMQ_OPTIONS, getRocketMQOptionsToken(name)),
  );
  return {
    ...definition,
    providers: [
      ...given,
      { provide: ROCKETMQ_CLUSTER, useValue: name },
      ...clusterProviders(PARTS, new Map([...shown, ...inner]), name),
      ...consumers,
    ],
    exports: [...(definition.exports ?? []), ...shown.values(), ...consumers.map(({ provide }) => provide)],
  };
}

/** @param where what the user called, for errors */
export function withOrigin(where: string, name = DEFAULT_CLUSTER, module: DynamicModule): DynamicModule {
  const origin = {
    provide: ROCKETMQ_OPTIONS_ORIGIN,
    useValue: name === DEFAULT_CLUSTER ? where : `${where} of ${name}`,
  };
  return { ...module, providers: [...(module.providers ?? []), origin] };
}

/** Looked up at each use: when the options are made, other modules may not have been. */
function configOf(modules: ModulesContainer): ConfigReader {
  const current = (): ConfigReader => (findConfigService(modules) as ConfigReader | undefined) ?? environmentReader();
  return {
    get: <T>(key: string, ...otherwise: T[]): T => current().get(key, ...(otherwise as [T])),
    getOrThrow: (key) => current().getOrThrow(key),
  };
}
