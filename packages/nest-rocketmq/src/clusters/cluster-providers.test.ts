import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { Inject, Injectable, Optional } from '@nestjs/common';
import type { FactoryProvider, InjectionToken } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { clusterProviders } from './cluster-providers.js';

const NAME = Symbol('name');

@Injectable()
class Inner {
  constructor(@Inject(NAME) readonly name: string) {}
}

@Injectable()
class Outer {
  constructor(
    readonly inner: Inner,
    @Optional() @Inject('missing') readonly missing?: string,
  ) {}
}

const PARTS = [{ provide: NAME, useFactory: (): string => 'unnamed' } as FactoryProvider, Inner, Outer];

describe('the parts of a cluster', () => {
  test('are found by their classes if it has no name, and by tokens of its own if it has one', async () => {
    const token = Symbol('outer of billing');
    const named = [{ provide: NAME, useFactory: (): string => 'billing' } as FactoryProvider, Inner, Outer];
    const module = await Test.createTestingModule({
      providers: [
        ...clusterProviders(PARTS, new Map(), 'default'),
        ...clusterProviders(named, new Map<InjectionToken, InjectionToken>([[Outer, token]]), 'billing'),
      ],
    }).compile();
    expect(module.get(Outer).inner.name).toBe('unnamed');
    expect(module.get<Outer>(token).inner.name).toBe('billing');
    expect(module.get<Outer>(token)).toBeInstanceOf(Outer);
    expect(module.get<Outer>(token).missing).toBeUndefined();
    await module.close();
  });
});
