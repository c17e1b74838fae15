import { describe, expect, it } from '@jest/globals';
import { AddressError } from '../errors.js';
import { addressIn, formatAddress, isDialable, packHost, parseAddress, unpackHost } from './host.js';

describe('an address', () => {
  it.each([
    ['127.0.0.1:9876', '127.0.0.1', 9876],
    ['broker-a.example.com:10911', 'broker-a.example.com', 10911],
    ['[::1]:10911', '::1', 10911],
    ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
    [' localhost:0 ', 'localhost', 0],
  ])('%s is taken apart, and put together again', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
    expect(formatAddress(host, port)).toBe(text.trim());
  });

  it.each([
    '',
    'host',
    ':1',
    'host:',
    'host:70000',
    'host:1x',
    '::1:1',
    '[host]:1',
    'a b:1',
    'a;b:1',
    'a/b:1',
    'a:1:2',
  ])("'%s' is none", (text) => {
    expect(addressIn(text)).toBeUndefined();
    expect(() => parseAddress(text, 'option listen')).toThrow(AddressError);
  });

  it('can be connected to unless its port is 0, which a server may listen on', () => {
    expect([isDialable('a:1'), isDialable('a:0'), isDialable('a')]).toEqual([true, false, false]);
  });

  it('is packed in 4 bytes or in 16', () => {
    expect(unpackHost(packHost('10.1.2.3'))).toBe('10.1.2.3');
    expect(unpackHost(packHost('::ffff:10.1.2.3'))).toBe('10.1.2.3');
    expect(unpackHost(packHost('2001:db8::1'))).toBe('2001:db8:0:0:0:0:0:1');
    expect(unpackHost(packHost('not-an-ip'))).toBe('127.0.0.1');
  });
});
