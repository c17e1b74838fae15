import { afterEach, expect, jest, test } from '@jest/globals';
import { InvalidListenerError } from '../errors.js';
import { instanceMaker } from './class-instances.js';

class Order {
  total = 0;
}

afterEach(() => void jest.restoreAllMocks());

test('a class is made by the class-transformer of the app', () => {
  expect(instanceMaker('Orders.take', Order)({ total: 3 })).toEqual(Object.assign(new Order(), { total: 3 }));
  expect(instanceMaker('Orders.take', Order)({ total: 3 })).toBeInstanceOf(Order);
});

test('without it the app does not start, and the error says what to do', () => {
  jest.spyOn(process, 'cwd').mockReturnValue('/');
  const { argv } = process;
  process.argv = [argv[0]!, '/main.js'];
  try {
    expect(() => instanceMaker('Orders.take', Order)).toThrow(InvalidListenerError);
    expect(() => instanceMaker('Orders.take', Order)).toThrow(
      /^Orders\.take: payload: Order needs class-transformer.*npm install class-transformer.*payloadType/,
    );
  } finally {
    process.argv = argv;
  }
});
