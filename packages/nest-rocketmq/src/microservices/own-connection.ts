// Opens a connection for a server or client that shares none with a RocketMQModule, and tells what a connection is doing.
import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { of, skipWhile } from 'rxjs';
import type { Subscription } from 'rxjs';
import type { ConnectionStatus, RocketMQStatus as ModuleStatus } from '../connection-status.js';
import { RocketMQModule } from '../rocketmq.module.js';
import type { RocketMQModuleOptions } from '../options/rocketmq.options.js';

/**
 * What the connection is doing, with the names of Nest's own transports. 'reconnecting': a server does not answer, and is tried
 * again; 'connected' follows when all answer.
 */
export type RocketMQStatus = 'connecting' | 'connected' | 'reconnecting' | 'disconnected';

const STATUS_OF = { up: 'connected', reconnecting: 'reconnecting', down: 'disconnected' } as const satisfies Record<
  ModuleStatus,
  RocketMQStatus
>;

/**
 * Tells what a connection is doing, from now on. That it is not connected yet is not told: it is being connected.
 * @param connection of a RocketMQModule; undefined for a template that is a test's
 */
export function followStatus(
  connection: ConnectionStatus | undefined,
  tell: (status: RocketMQStatus) => void,
): Subscription {
  const changes = connection?.changes ?? of<ModuleStatus>('up');
  return changes.pipe(skipWhile((status) => status === 'down')).subscribe((status) => tell(STATUS_OF[status]));
}

/**
 * Starts a RocketMQModule with these options in a Nest context of its own.
 * @throws InvalidOptionError, NameServerUnreachableError, StoreInUseError
 */
export function openConnection(options: RocketMQModuleOptions): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(RocketMQModule.forRoot(options), { abortOnError: false });
}
