// Defines the limits by which sends are collected, and checks them.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { integerIn } from '../../config/options.js';

/** Limits of Apache's ProduceAccumulator, with its defaults. */
export interface AutoBatchOptions {
  /** How long a message waits for others, ms; 0: until the messages of this turn of the event loop are there. Default 10. */
  holdMs?: number;
  /** Bytes of bodies of one topic and tag that are not held any longer. Default 32768. */
  holdBytes?: number;
  /** Bytes of bodies that are held in all; what is beyond is sent by itself. Default 33554432. */
  totalBytes?: number;
}

const MOST_HOLD_MS = 30_000;
const MOST_HOLD_BYTES = 2 * 1024 * 1024;

/** @throws InvalidOptionError naming the option */
export function resolveAutoBatch(given: boolean | AutoBatchOptions = false): Required<AutoBatchOptions> | undefined {
  if (given === false) return undefined;
  if (given !== true && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new InvalidOptionError('autoBatch', given, 'true, false or { holdMs, holdBytes, totalBytes }');
  }
  const { holdMs, holdBytes, totalBytes } = given === true ? {} : given;
  return {
    holdMs: integerIn('autoBatch.holdMs', holdMs, 10, 0, MOST_HOLD_MS, ' (ms)'),
    holdBytes: integerIn('autoBatch.holdBytes', holdBytes, 32_768, 1, MOST_HOLD_BYTES, ' (bytes)'),
    totalBytes: integerIn('autoBatch.totalBytes', totalBytes, 33_554_432, 1, 64 * 1024 ** 3, ' (bytes)'),
  };
}
