// Divides queues by a ring of hashes, as Apache's CONSISTENT_HASH: few queues move when a consumer comes or goes.
import { createHash } from 'node:crypto';
import { InvalidOptionError } from '../errors.js';
import type { MessageQueue } from '../message/message.js';
import { checkDivision } from './allocate.js';
import type { AllocateMessageQueueStrategy } from './allocate.js';

const DEFAULT_VIRTUAL_NODES = 10;
/** The ring is built anew at each division, with so many places for each consumer. */
const MOST_VIRTUAL_NODES = 1_000;

interface Place {
  readonly at: number;
  readonly owner: string;
}

/**
 * A ring of hashes: when a consumer comes or goes, few queues change their consumer. Apache's CONSISTENT_HASH.
 * @param virtualNodes places of each consumer on the ring, 0 to 1000; default 10. With 0 nobody gets a queue, as in Java
 * @param hash of a text, a number; default: the first four bytes of its MD5, as in Java
 * @throws InvalidOptionError
 */
export function allocateByConsistentHash(
  virtualNodes = DEFAULT_VIRTUAL_NODES,
  hash: (text: string) => number = md5Int,
): AllocateMessageQueueStrategy {
  if (!Number.isInteger(virtualNodes) || virtualNodes < 0 || virtualNodes > MOST_VIRTUAL_NODES) {
    throw new InvalidOptionError('virtualNodes', virtualNodes, `an integer from 0 to ${MOST_VIRTUAL_NODES}`);
  }
  if (typeof hash !== 'function') throw new InvalidOptionError('hash', hash, 'a function (text) => number');
  return {
    name: 'CONSISTENT_HASH',
    allocate(_group, clientId, queues, clientIds) {
      checkDivision(clientId, queues, clientIds);
      if (!clientIds.includes(clientId)) return [];
      const ring = ringOf(clientIds, virtualNodes, hash);
      return queues.filter((queue) => ownerAt(ring, hash(textOf(queue))) === clientId);
    },
  };
}

function ringOf(clientIds: readonly string[], virtualNodes: number, hash: (text: string) => number): Place[] {
  const owners = new Map<number, string>();
  const places = new Map<string, number>();
  for (const owner of clientIds) {
    // A broker may list a client twice: Java then gives it further places.
    const first = places.get(owner) ?? 0;
    for (let i = first; i < first + virtualNodes; i++) owners.set(hash(`${owner}-${i}`), owner);
    places.set(owner, first + virtualNodes);
  }
  return [...owners].map(([at, owner]) => ({ at, owner })).toSorted((a, b) => a.at - b.at);
}

/** The owner of the first place at the hash or behind it; the ring has no end. */
function ownerAt(ring: readonly Place[], hash: number): string | undefined {
  let low = 0;
  for (let high = ring.length; low < high;) {
    const middle = (low + high) >>> 1;
    if (ring[middle]!.at >= hash) high = middle;
    else low = middle + 1;
  }
  return (ring[low] ?? ring[0])?.owner;
}

/** Java's `MessageQueue.toString()`. */
function textOf({ topic, brokerName, queueId }: MessageQueue): string {
  return `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`;
}

function md5Int(text: string): number {
  return createHash('md5').update(text).digest().readUInt32BE(0);
}
