// Lists what Nest injects into a provider or controller.
import type { Wrapper } from './nest-container.js';
import { PARAMTYPES_METADATA, PROPERTY_DEPS_METADATA, SELF_DECLARED_DEPS_METADATA } from './nest-metadata.js';

/** The tokens, of a factory too. */
export function dependenciesOf({ metatype, inject }: Wrapper): unknown[] {
  const ofFactory = (inject ?? []).map((each: unknown) => tokenOf((each as { token?: unknown } | null)?.token ?? each));
  if (typeof metatype !== 'function') return ofFactory;
  const types = metadata<unknown>(PARAMTYPES_METADATA, metatype);
  const named = metadata<{ param: unknown }>(SELF_DECLARED_DEPS_METADATA, metatype).map(({ param }) => tokenOf(param));
  const properties = metadata<{ type: unknown }>(PROPERTY_DEPS_METADATA, metatype).map(({ type }) => tokenOf(type));
  return [...ofFactory, ...types, ...named, ...properties];
}

/** Of `forwardRef(() => token)`, too. */
function tokenOf(dependency: unknown): unknown {
  const { forwardRef } = (dependency ?? {}) as { forwardRef?: unknown };
  return typeof forwardRef === 'function' ? (forwardRef as () => unknown)() : dependency;
}

function metadata<T>(key: string, type: object): readonly T[] {
  return (Reflect.getMetadata(key, type) ?? []) as T[];
}
