// Declares how requests and messages are validated: by the classes that their handlers declare.
import { ValidationPipe } from '@nestjs/common';

/** Refuses fields that it does not know: a client that misspells one is told so. */
export const RequestValidation = new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true });

/** Drops them: the service that sends a message may be newer than this one. What does not fit is a dead letter at once. */
export const MessageValidation = new ValidationPipe({ whitelist: true, transform: true });
