// Tests the checks of the sample app's settings.
import { expect, test } from '@jest/globals';
import { AppConfig } from './config.js';

test('without an environment everything has a default that needs no server', () => {
  expect(AppConfig.fromEnvironment({})).toEqual(new AppConfig(3000, '30m', undefined, '.pgdata', { group: 'shop' }));
});

test('the environment decides', () => {
  const env = { PORT: '0', ORDER_CANCEL_AFTER: '10s', DATABASE_URL: 'postgres://db/shop', DATABASE_DIR: '/data' };
  expect(AppConfig.fromEnvironment(env)).toEqual(
    new AppConfig(0, '10s', 'postgres://db/shop', '/data', { group: 'shop' }),
  );
});

test('a time in digits is milliseconds', () => {
  expect(AppConfig.fromEnvironment({ ORDER_CANCEL_AFTER: '10000' }).orderCancelAfter).toBe('10000ms');
});

test('an order may be cancelled after any length of time up to the longest delay of a message', () => {
  expect(AppConfig.fromEnvironment({ ORDER_CANCEL_AFTER: '3d' }).orderCancelAfter).toBe('3d');
  expect(AppConfig.fromEnvironment({ ORDER_CANCEL_AFTER: '7s' }).orderCancelAfter).toBe('7s');
});

test.each([
  ['PORT', '-1', /PORT.*-1.*0 to 65535/],
  ['PORT', 'http', /PORT/],
  ['ORDER_CANCEL_AFTER', 'soon', /ORDER_CANCEL_AFTER.*soon/],
  ['ORDER_CANCEL_AFTER', '-7s', /ORDER_CANCEL_AFTER.*'36h'/],
  ['ORDER_CANCEL_AFTER', '4d', /ORDER_CANCEL_AFTER.*4d.*up to '3d'/],
  ['ORDER_CANCEL_AFTER', '259200001', /ORDER_CANCEL_AFTER.*up to '3d'/],
  ['DATABASE_URL', 'nonsense', /^DATABASE_URL: .*postgres:\/\//],
  ['DATABASE_URL', 'mysql://u:secret@db/shop', /^DATABASE_URL: (?!.*secret)/],
  ['DATABASE_URL', '', /^DATABASE_URL: /],
])('%s=%s is refused with what is allowed', (name, value, message) => {
  expect(() => AppConfig.fromEnvironment({ [name]: value })).toThrow(message);
});
