// Makes the providers of one cluster. The unnamed cluster's parts are injected by their classes; those of another have tokens of
// their own, so that neither an injection nor `app.get` can take one for the other.
import type { FactoryProvider, InjectionToken, Provider, Type } from '@nestjs/common';
import { OPTIONAL_DEPS_METADATA, PARAMTYPES_METADATA, SELF_DECLARED_DEPS_METADATA } from '../nest/nest-metadata.js';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';

/**
 * @param parts classes and factories that use each other
 * @param shown what other modules can inject, with its token in this cluster
 */
export function clusterProviders(
  parts: readonly (Type<object> | FactoryProvider)[],
  shown: ReadonlyMap<InjectionToken, InjectionToken>,
  cluster: string,
): Provider[] {
  if (cluster === DEFAULT_CLUSTER) return [...parts];
  const tokens = new Map<InjectionToken, InjectionToken>(
    parts.map((part) => {
      const token = typeof part === 'function' ? part : part.provide;
      return [token, shown.get(token) ?? Symbol(`nest-rocketmq:${nameOf(token)}:${cluster}`)];
    }),
  );
  for (const [token, own] of shown) tokens.set(token, own);
  const own = <T extends InjectionToken>(token: T): InjectionToken => tokens.get(token) ?? token;
  return parts.map((part): FactoryProvider => {
    if (typeof part !== 'function') {
      return { ...part, provide: own(part.provide), inject: (part.inject ?? []).map((each) => own(each as symbol)) };
    }
    return {
      provide: own(part),
      inject: dependenciesOf(part).map(own).map(optionalOf(part)),
      useFactory: (...args: never[]) => new (part as Type<object>)(...args),
    };
  });
}

/** The parameters of the constructor, as Nest reads them. */
function dependenciesOf(type: Type<object>): InjectionToken[] {
  const dependencies = [...((Reflect.getMetadata(PARAMTYPES_METADATA, type) ?? []) as InjectionToken[])];
  const declared = (Reflect.getMetadata(SELF_DECLARED_DEPS_METADATA, type) ?? []) as DeclaredDependency[];
  for (const { index, param } of declared) dependencies[index] = param;
  return dependencies;
}

function optionalOf(type: Type<object>): (token: InjectionToken, index: number) => InjectionToken | OptionalDependency {
  const optional = (Reflect.getMetadata(OPTIONAL_DEPS_METADATA, type) ?? []) as number[];
  return (token, index) => (optional.includes(index) ? { token, optional: true } : token);
}

interface OptionalDependency {
  readonly token: InjectionToken;
  readonly optional: boolean;
}

interface DeclaredDependency {
  readonly index: number;
  readonly param: InjectionToken;
}

function nameOf(token: InjectionToken): string {
  return typeof token === 'function' ? token.name : String(token);
}
