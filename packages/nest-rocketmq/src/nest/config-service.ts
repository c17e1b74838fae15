// Finds the ConfigService of @nestjs/config, on which this package does not depend.
import type { InjectionToken } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

const CLASS_NAME = 'ConfigService';
const METHODS = ['get', 'getOrThrow'] as const;

/** An object with the methods of a ConfigService. */
export type ConfigServiceLike = Record<(typeof METHODS)[number], (key: string, defaultValue?: unknown) => unknown>;

/** Undefined where the app has none, or it is not created yet. */
export function findConfigService(modules: ModulesContainer): ConfigServiceLike | undefined {
  for (const module of modules.values()) {
    for (const [token, wrapper] of module.providers) {
      if (!isConfigService(token)) continue;
      const instance: unknown = wrapper.instance;
      if (METHODS.every((method) => typeof (instance as Partial<ConfigServiceLike> | null)?.[method] === 'function')) {
        return instance as ConfigServiceLike;
      }
    }
  }
  return undefined;
}

function isConfigService(token: InjectionToken): boolean {
  return typeof token === 'function' && token.name === CLASS_NAME;
}
