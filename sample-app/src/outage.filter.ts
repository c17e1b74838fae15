// Answers a request whose message RocketMQ has not taken.
import { Catch, Logger, ServiceUnavailableException } from '@nestjs/common';
import type { ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { RocketMQError } from 'nest-rocketmq';

/** For controllers, which send each event before they change anything: if it is not taken, nothing has been changed. */
@Catch(RocketMQError)
export class OutageFilter extends BaseExceptionFilter {
  private readonly logger = new Logger(OutageFilter.name);

  override catch(error: RocketMQError, host: ArgumentsHost): void {
    this.logger.error(error.message);
    const problem = `Nothing was changed: the message broker did not take the event (${error.code}). Try again.`;
    super.catch(new ServiceUnavailableException(problem, { cause: error }), host);
  }
}
