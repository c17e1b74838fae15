// Answers a request whose message RocketMQ has not taken.
import { Catch, Logger, ServiceUnavailableException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { RocketMQError } from 'nest-rocketmq';

interface Response {
  status(code: number): { json(body: unknown): void };
}

/** For controllers, which send each event before they change anything: if it is not taken, nothing has been changed. */
@Catch(RocketMQError)
export class OutageFilter implements ExceptionFilter<RocketMQError> {
  private readonly logger = new Logger(OutageFilter.name);

  catch(error: RocketMQError, host: ArgumentsHost): void {
    this.logger.error(error.message);
    const problem = `Nothing was changed: the message broker did not take the event (${error.code}). Try again.`;
    const answer = new ServiceUnavailableException(problem);
    host.switchToHttp().getResponse<Response>().status(answer.getStatus()).json(answer.getResponse());
  }
}
