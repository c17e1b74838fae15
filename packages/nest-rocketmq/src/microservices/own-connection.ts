// Opens a connection for a server or client that shares none with a RocketMQModule.
import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { RocketMQModule } from '../rocketmq.module.js';
import type { RocketMQModuleOptions } from '../options/rocketmq.options.js';

/** What a connection of one's own is doing. */
export type RocketMQStatus = 'connecting' | 'connected' | 'disconnected';

/**
 * Starts a RocketMQModule with these options in a Nest context of its own.
 * @throws InvalidOptionError, NameServerUnreachableError, StoreInUseError
 */
export function openConnection(options: RocketMQModuleOptions): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(RocketMQModule.forRoot(options), { abortOnError: false });
}
