// Refuses a second RocketMQModule in an app: it would mean two brokers or two clients, with every listener on both.
import type { ModulesContainer } from '@nestjs/core';
import { ModuleTwiceError } from './errors.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from './rocketmq.tokens.js';

type Module = ModulesContainer extends Map<string, infer M> ? M : never;

/** Nest appends global modules to the imports of every module, this one first: what stands before it was imported. */
const FIRST_GLOBAL_MODULE = 'InternalCoreModule';

/** @throws ModuleTwiceError naming the modules that import it */
export function refuseSecondModule(modules: ModulesContainer): void {
  const configured = [...modules.values()].filter((module) => module.providers.has(ROCKETMQ_RESOLVED_OPTIONS));
  if (configured.length < 2) return;
  const importers = configured.map((target) => importersOf(target, modules).join(' and ') || 'the root module');
  throw new ModuleTwiceError(importers);
}

function importersOf(target: Module, modules: ModulesContainer): string[] {
  return [...modules.values()].filter((module) => ownImports(module).includes(target)).map((module) => module.name);
}

function ownImports(module: Module): Module[] {
  const imports = [...module.imports];
  const end = imports.findIndex(({ name }) => name === FIRST_GLOBAL_MODULE);
  return end < 0 ? imports : imports.slice(0, end);
}
