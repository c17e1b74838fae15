// Tells a payload that a pipe refuses from a pipe that fails.
import { HttpException } from '@nestjs/common';
import { MessageValidationError } from '../errors.js';
import { reasonOf } from './failure-reason.js';

/** Nest's pipes say by these statuses that a value is wrong: 400, and 422 where `errorHttpStatusCode` asks for it. */
const REFUSING = new Set([400, 422]);

/** @param error what a pipe has thrown */
export function isRefusal(error: unknown): boolean {
  return error instanceof HttpException && REFUSING.has(error.getStatus());
}

/** @param error what a pipe has thrown, which becomes the cause */
export function toValidationError(error: unknown): MessageValidationError {
  return new MessageValidationError(reasonOf(error, false), { cause: error });
}
