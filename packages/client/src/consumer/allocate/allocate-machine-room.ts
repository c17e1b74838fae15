// Divides queues by the machine rooms that brokers and consumers are in, as Apache's MACHINE_ROOM and MACHINE_ROOM_NEARBY.
import { InvalidOptionError, checkDivision } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue, AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting/internal';
import { checkStrategy } from './allocate-strategies.js';
import type { AllocateStrategyName } from './allocate-strategies.js';

/** Says where brokers and consumers are: Apache's MachineRoomResolver. */
export interface MachineRoomResolver {
  /** The room of the queue's broker, a non-empty string. */
  brokerDeployIn(queue: MessageQueue): string;
  /** The room of a consumer, a non-empty string. */
  consumerDeployIn(clientId: string): string;
}

/**
 * Divides the queues of brokers whose names are `room@broker` and whose room is one of these; nobody consumes the others.
 * Apache's MACHINE_ROOM.
 * @param rooms Apache's `consumeridcs`
 * @throws InvalidOptionError
 */
export function allocateByMachineRoom(rooms: readonly string[]): AllocateMessageQueueStrategy {
  if (!Array.isArray(rooms) || !rooms.every((room) => typeof room === 'string')) {
    throw new InvalidOptionError('rooms', rooms, 'an array of strings');
  }
  return {
    name: 'MACHINE_ROOM',
    allocate(_group, clientId, queues, clientIds) {
      checkDivision(clientId, queues, clientIds);
      const index = clientIds.indexOf(clientId);
      if (index < 0) return [];
      const inRooms = queues.filter(({ brokerName }) => {
        const room = roomIn(brokerName);
        return room !== undefined && rooms.includes(room);
      });
      const each = Math.floor(inRooms.length / clientIds.length);
      const rest = each * clientIds.length;
      return [...inRooms.slice(each * index, each * (index + 1)), ...inRooms.slice(rest + index, rest + index + 1)];
    },
  };
}

/**
 * Divides the queues of each machine room among the consumers there, and those of a room without consumers among all.
 * Apache's MACHINE_ROOM_NEARBY. It throws for a queue or a consumer without a room; the consumer then keeps what it has.
 * @param inner how the queues of a room are divided: a name or a strategy
 * @throws InvalidOptionError
 */
export function allocateByMachineRoomNearby(
  inner: AllocateStrategyName | AllocateMessageQueueStrategy,
  resolver: MachineRoomResolver,
): AllocateMessageQueueStrategy {
  const strategy = checkStrategy('inner', inner);
  if (typeof resolver?.brokerDeployIn !== 'function' || typeof resolver.consumerDeployIn !== 'function') {
    throw new InvalidOptionError(
      'resolver',
      resolver,
      'an object with brokerDeployIn(queue) and consumerDeployIn(clientId)',
    );
  }
  return {
    name: `MACHINE_ROOM_NEARBY-${strategy.name}`,
    allocate(group, clientId, queues, clientIds) {
      checkDivision(clientId, queues, clientIds);
      if (!clientIds.includes(clientId)) return [];
      const queuesByRoom = byRoom('brokerDeployIn', queues, (queue) => resolver.brokerDeployIn(queue));
      const clientsByRoom = byRoom('consumerDeployIn', clientIds, (id) => resolver.consumerDeployIn(id));
      const own = resolver.consumerDeployIn(clientId);
      const nearby = queuesByRoom.get(own) ?? [];
      const orphans = [...queuesByRoom].filter(([room]) => !clientsByRoom.has(room)).toSorted(compareRooms);
      return [
        ...(nearby.length > 0 ? strategy.allocate(group, clientId, nearby, clientsByRoom.get(own) ?? []) : []),
        ...orphans.flatMap(([, left]) => strategy.allocate(group, clientId, left, clientIds)),
      ];
    },
  };
}

/** As Java splits `room@broker`: signs at the end count for nothing. */
function roomIn(brokerName: string): string | undefined {
  const parts = brokerName.replace(/@+$/, '').split('@');
  return parts.length === 2 ? parts[0] : undefined;
}

function byRoom<T>(option: string, all: readonly T[], roomOf: (one: T) => string): Map<string, T[]> {
  const rooms = new Map<string, T[]>();
  for (const one of all) {
    const room = roomOf(one);
    if (typeof room !== 'string' || room === '') {
      throw new InvalidOptionError(`resolver.${option}`, room, `a function that returns the room of ${textOf(one)}`);
    }
    const others = rooms.get(room);
    if (others) others.push(one);
    else rooms.set(room, [one]);
  }
  return rooms;
}

function textOf(one: unknown): string {
  return typeof one === 'string' ? one : JSON.stringify(one);
}

/** By UTF-16 code units, as Java's TreeMap. */
function compareRooms([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
