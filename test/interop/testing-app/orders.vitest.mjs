// Runs the tests under vitest.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { testOrders } from './dist/orders.js';

const equal = (actual, expected) => expect(actual).toEqual(expected);

testOrders({ test, beforeAll, beforeEach, afterAll, equal, anyNumber: expect.any(Number) });
