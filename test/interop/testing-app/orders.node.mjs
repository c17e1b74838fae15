// Runs the tests under node:test.
import { deepEqual } from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { testOrders } from './dist/orders.js';

testOrders({ test, beforeAll: before, beforeEach, afterAll: after, equal: deepEqual });
