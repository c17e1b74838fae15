// Refuses a second RocketMQModule of the same cluster in an app, and lists the app's clusters.
import type { ModulesContainer } from '@nestjs/core';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { ModuleTwiceError, UnknownClusterError } from './errors.js';
import { ROCKETMQ_CLUSTER } from './rocketmq.tokens.js';

type Module = ModulesContainer extends Map<string, infer M> ? M : never;

/** Nest appends global modules to the imports of every module, this one first: what stands before it was imported. */
const FIRST_GLOBAL_MODULE = 'InternalCoreModule';

/** The names of the app's clusters. */
export function clusterNames(modules: ModulesContainer): string[] {
  return [...modules.values()].flatMap((module) => clusterOf(module) ?? []);
}

/** @throws ModuleTwiceError naming the modules that import it */
export function refuseSecondModule(modules: ModulesContainer, cluster: string): void {
  const configured = [...modules.values()].filter((module) => clusterOf(module) === cluster);
  if (configured.length < 2) return;
  const importers = configured.map((target) => importersOf(target, modules).join(' and ') || 'the root module');
  throw new ModuleTwiceError(importers, cluster);
}

/**
 * What a module that is no cluster's own needs of a cluster.
 * @param part undefined where the module cannot inject it
 * @throws UnknownClusterError; InvalidOptionError for one that is not global
 */
export function requirePart<T>(part: T | undefined, modules: ModulesContainer, cluster: string, where: string): T {
  if (part !== undefined) return part;
  const known = clusterNames(modules);
  if (!known.includes(cluster)) throw new UnknownClusterError(where, cluster, known);
  const allowed = `a cluster that is global, or imported by this module: forFeature({ imports: [what its forRoot returned], … })`;
  throw new InvalidOptionError('cluster', cluster, allowed, where);
}

function clusterOf(module: Module): string | undefined {
  return module.providers.get(ROCKETMQ_CLUSTER)?.instance as string | undefined;
}

function importersOf(target: Module, modules: ModulesContainer): string[] {
  return [...modules.values()].filter((module) => ownImports(module).includes(target)).map((module) => module.name);
}

function ownImports(module: Module): Module[] {
  const imports = [...module.imports];
  const end = imports.findIndex(({ name }) => name === FIRST_GLOBAL_MODULE);
  return end < 0 ? imports : imports.slice(0, end);
}
