import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { ROUTE_ARGS_METADATA } from '../nest/nest-metadata.js';
import { paramsOf } from './listener-params.js';
import { Keys } from './message-params.js';
import { Payload } from './payload.js';

class Orders {
  static take(_order: unknown): void {}
}

test.each([
  ['a constructor', () => Payload()(Orders, undefined, 0), /^Orders: parameter 1 of the constructor has a decorator/],
  ['a static method', () => Keys()(Orders, 'take', 0), /^Orders: parameter 1 of the static method take has/],
])("a parameter of %s is no listener's", (_what, decorate, message) => {
  expect(decorate).toThrow(message);
  expect(Reflect.getMetadataKeys(Function)).not.toContain(ROUTE_ARGS_METADATA);
});

test('a method that overrides another one has its own parameters only', () => {
  class Parent {
    take(@Payload() _order: unknown, @Keys() _keys: unknown): void {}
  }
  class Child extends Parent {
    override take(@Payload() _order: unknown, _context: unknown): void {}
  }
  class Heir extends Parent {}
  expect(paramsOf('Child.take', Child, 'take', {}).contexts).toEqual([1]);
  expect(paramsOf('Heir.take', Heir, 'take', {}).piped).toHaveLength(2);
});
