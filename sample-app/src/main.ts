// Owns starting the app from the command line.
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RocketMQError } from 'nest-rocketmq';
import { AppModule } from './app.module.js';
import { AppConfig } from './config.js';
import { DirectoryInUseError } from './database/directory-lock.js';
import { welcome } from './welcome.js';

async function main(): Promise<void> {
  const config = AppConfig.fromEnvironment();
  const app = await NestFactory.create(AppModule.register(config), { abortOnError: false });
  app.enableShutdownHooks();
  await app.listen(config.port);
  const { port } = app.getHttpServer().address() as { port: number };
  process.stdout.write(welcome(`http://localhost:${port}`, config));
}

try {
  await main();
} catch (error) {
  // What the user can put right says how in its message; for anything else the stack is needed.
  const forTheUser = error instanceof RocketMQError || error instanceof DirectoryInUseError;
  new Logger('Main').error(forTheUser ? error.message : error);
  process.exit(1);
}
