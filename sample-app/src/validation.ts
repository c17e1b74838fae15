// Declares how requests and messages are validated: by the classes that their handlers declare.
import { Injectable, ValidationPipe } from '@nestjs/common';

/** Refuses fields that it does not know: a client that misspells one is told so. */
@Injectable()
export class RequestValidation extends ValidationPipe {
  constructor() {
    super({ whitelist: true, forbidNonWhitelisted: true, transform: true });
  }
}

/** Drops them: the service that sends a message may be newer than this one. What does not fit is a dead letter at once. */
@Injectable()
export class MessageValidation extends ValidationPipe {
  constructor() {
    super({ whitelist: true, transform: true });
  }
}
