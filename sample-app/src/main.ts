// Starts the app from the command line.
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NAME_SERVER_ENV, RocketMQError } from 'nest-rocketmq';
import { AppModule } from './app.module.js';
import { AppConfig } from './config.js';
import { QuietLogger } from './quiet-logger.js';
import { StartError, reasonOf } from './start-error.js';
import { welcome } from './welcome.js';

/** Turns an error that the user can fix by a variable into a StartError. */
function startErrorOf(error: unknown, config: AppConfig): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return new StartError('PORT', `${config.port} is in use by another process`, { cause: error });
  if (code === 'EACCES')
    return new StartError('PORT', `${config.port} may not be opened by this user`, { cause: error });
  if (code === 'NAME_SERVER_UNREACHABLE') return new StartError(NAME_SERVER_ENV, reasonOf(error), { cause: error });
  return error;
}

async function main(): Promise<void> {
  const config = AppConfig.fromEnvironment();
  const app = await NestFactory.create(AppModule.register(config), { abortOnError: false, logger: new QuietLogger() });
  app.enableShutdownHooks();
  try {
    await app.listen(config.port);
  } catch (error) {
    // The broker and the database are open by now.
    await app.close();
    throw startErrorOf(error, config);
  }
  const { port } = app.getHttpServer().address() as { port: number };
  process.stdout.write(welcome(`http://localhost:${port}`, config));
}

try {
  await main();
} catch (error) {
  // An error that the user can fix says how in its message. For any other the stack is needed.
  const forTheUser = error instanceof RocketMQError || error instanceof StartError;
  new Logger('Main').error(forTheUser ? error.message : error);
  process.exit(1);
}
