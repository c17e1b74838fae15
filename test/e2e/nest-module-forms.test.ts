// Tests that a listener listens whatever its scope, its host and the form of its module.
import { afterEach, expect, test } from '@jest/globals';
import { Controller, Inject, Injectable, Module, Scope } from '@nestjs/common';
import type { DynamicModule, InjectableOptions, ModuleMetadata, Provider, Type } from '@nestjs/common';
import { LazyModuleLoader, REQUEST } from '@nestjs/core';
import { RocketMQContext, RocketMQMessageListener } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

const SCOPES: Readonly<Record<string, InjectableOptions>> = {
  singleton: {},
  'request-scoped': { scope: Scope.REQUEST },
  transient: { scope: Scope.TRANSIENT },
  durable: { scope: Scope.REQUEST, durable: true },
};

type Host = Pick<ModuleMetadata, 'providers' | 'controllers'>;

const HOSTS: Readonly<Record<string, (type: Type<object>, options: InjectableOptions) => Host>> = {
  'a class': (type) => ({ providers: [type] }),
  'a class under a token': (type) => ({ providers: [{ provide: type.name, useClass: type }] }),
  'a factory': (type, { scope }) => ({
    providers: [{ provide: type, useFactory: () => new type(), ...(scope !== undefined && { scope }) } as Provider],
  }),
  'a controller': (type) => ({ controllers: [type] }),
};

@Module({})
class Dynamic {}

/** How a module with `host` gets into the app: among its imports, or by the loader once it runs. */
const FORMS: Readonly<Record<string, (host: Host) => { imports?: ModuleMetadata['imports']; lazy?: DynamicModule }>> = {
  static: (host) => {
    @Module(host)
    class Static {}
    return { imports: [Static] };
  },
  dynamic: (host) => ({ imports: [{ module: Dynamic, ...host }] }),
  'global and dynamic, from a promise': (host) => ({
    imports: [Promise.resolve({ module: class GlobalModule {}, global: true, ...host })],
  }),
  lazy: (host) => ({ lazy: { module: class LazyModule {}, ...host } }),
};

const seen = new Map<string, unknown>();

/** A class whose listener notes what its message said, on a method or as a class. */
function listenerOf(topic: string, options: InjectableOptions, isController: boolean): Type<object> {
  class Listener {
    @Inject(REQUEST) readonly request: unknown;

    @RocketMQMessageListener({ topic })
    take(payload: string, context: RocketMQContext): void {
      const isRequested = options.scope === Scope.REQUEST && !options.durable;
      seen.set(topic, isRequested && this.request !== context ? 'another request' : payload);
    }
  }
  if (options.scope !== Scope.REQUEST) {
    // REQUEST would make it request-scoped.
    class Plain {
      @RocketMQMessageListener({ topic })
      take(payload: string): void {
        seen.set(topic, payload);
      }
    }
    (isController ? Controller : Injectable)(options as never)(Plain);
    return Plain;
  }
  (isController ? Controller : Injectable)(options as never)(Listener);
  return Listener;
}

test.each(Object.keys(FORMS))('in a module that is %s, hosts of each kind listen in each scope', async (form) => {
  const expected = new Map<string, string>();
  const imports: NonNullable<ModuleMetadata['imports']> = [];
  const lazy: DynamicModule[] = [];
  for (const [host, hosted] of Object.entries(HOSTS)) {
    for (const [scope, options] of Object.entries(SCOPES)) {
      // The product of a factory has no injections.
      if (host === 'a factory' && options.scope === Scope.REQUEST) continue;
      const topic = unique('form');
      expected.set(topic, `${host}, ${scope}`);
      const added = FORMS[form]!(hosted(listenerOf(topic, options, host === 'a controller'), options));
      imports.push(...(added.imports ?? []));
      if (added.lazy) lazy.push(added.lazy);
    }
  }
  const app = await startApp({ imports });
  const loader = app.module.get(LazyModuleLoader);
  await Promise.all(lazy.map((module) => loader.load(() => Promise.resolve(module))));
  const all = Promise.all([...expected.keys()].map((topic) => consumed(app.module, { topic }, { timeout })));
  for (const [topic, said] of expected) await app.template.send(topic, said);
  await app.elapse(all, '120s');
  expect([...expected.keys()].map((topic) => seen.get(topic))).toEqual([...expected.values()]);
});
