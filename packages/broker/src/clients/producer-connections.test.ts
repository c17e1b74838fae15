import { describe, expect, it } from '@jest/globals';
import type { Connection } from '@nest-rocketmq/remoting/internal';
import { ProducerConnections } from './producer-connections.js';

const [one, other] = [{}, {}] as Connection[];

describe('the connections of producers', () => {
  it('are found by client id, the newest first', () => {
    const connections = new ProducerConnections();
    connections.set('a', one!);
    connections.set('a', other!);
    expect(connections.get('a')).toBe(other);
    connections.delete(one!);
    expect(connections.get('a')).toBe(other);
    connections.delete(other!);
    expect(connections.get('a')).toBeUndefined();
  });

  it('keep one id each, so that a client which changes its id takes no more room', () => {
    const connections = new ProducerConnections();
    connections.set('a', one!);
    connections.set('b', one!);
    expect(connections.get('a')).toBeUndefined();
    expect(connections.get('b')).toBe(one);
  });
});
