// Gives the options that Nest's builder provides the token of their cluster.
import type { InjectionToken, Provider } from '@nestjs/common';

/** Nest's builder knows one token for the options. @param options that token @param own of the cluster's options */
export function withToken(provider: Provider, options: InjectionToken, own: InjectionToken): Provider {
  const isOptions = typeof provider === 'object' && provider.provide === options;
  return isOptions ? { ...provider, provide: own } : provider;
}
