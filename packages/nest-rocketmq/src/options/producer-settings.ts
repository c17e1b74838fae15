// Defines the settings of the producer behind the template. The client checks their values, but for lengths of time.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { AutoBatchOptions, ProducerOptions } from '@nest-rocketmq/client';
import type { Duration } from '../message/delay.js';
import { checkDuration, checkKeys } from '../option-checks.js';

export const PRODUCER_OPTIONS = [
  'sendMsgTimeout',
  'sendMsgMaxTimeoutPerRequest',
  'retryTimesWhenSendFailed',
  'retryAnotherBrokerWhenNotStoreOK',
  'compressMsgBodyOverHowmuch',
  'compressType',
  'compressLevel',
  'maxDelay',
  'maxMessageSize',
  'createTopicKey',
  'defaultTopicQueueNums',
  'enableMsgTrace',
  'customizedTraceTopic',
  'autoBatch',
  'sendLatencyFaultEnable',
  'startDetectorEnable',
  'detectTimeout',
  'detectInterval',
  'latencyMax',
  'notAvailableDuration',
] as const satisfies readonly (keyof ProducerOptions)[];

/** Limits of the sends that are collected, with Apache's defaults. */
export interface AutoBatchSettings extends Omit<AutoBatchOptions, 'holdMs'> {
  /** How long a message waits for others: ms, or a length such as '10ms'; 0: for this turn of the event loop. Default 10. */
  holdMs?: Duration;
}

/** Settings of the producer behind the template, with Apache's names and defaults. Times are ms, or such as '3s'. */
export type ProducerSettings = Omit<
  Pick<ProducerOptions, (typeof PRODUCER_OPTIONS)[number]>,
  ProducerTime | 'autoBatch'
> & {
  [K in ProducerTime]?: Duration;
} & {
  /**
   * Collect sends for a moment, and send those of one topic and tag in one request. true: with Apache's limits. On a manual
   * clock they are collected for a turn of the event loop. Default false.
   */
  autoBatch?: boolean | AutoBatchSettings;
};

/** The checked settings, with times in ms. */
export type CheckedProducerSettings = Pick<ProducerOptions, (typeof PRODUCER_OPTIONS)[number]>;

type ProducerTime = keyof typeof LONGEST_MS;

/** The settings that are lengths of time, and the longest of each, ms. -1 in the second means that it has no limit. */
const LONGEST_MS = {
  sendMsgTimeout: 3_600_000,
  sendMsgMaxTimeoutPerRequest: 3_600_000,
  maxDelay: 100 * 365 * 86_400_000,
  detectTimeout: 3_600_000,
  detectInterval: 3_600_000,
} as const satisfies { [K in keyof ProducerOptions]?: number };

const LONGEST_HOLD_MS = 30_000;

/** @throws InvalidOptionError */
export function checkProducer(given: ProducerSettings): CheckedProducerSettings {
  checkKeys('producer', given, PRODUCER_OPTIONS);
  const times = Object.entries(LONGEST_MS).flatMap(([option, longest]) => {
    const value = given[option as ProducerTime];
    if (value === undefined || (option === 'sendMsgMaxTimeoutPerRequest' && value === -1)) return [];
    return [[option, checkDuration(`producer.${option}`, value, 1, longest)]];
  });
  const { autoBatch } = given;
  return {
    ...given,
    ...Object.fromEntries(times),
    ...(autoBatch !== undefined && { autoBatch: checkAutoBatch(autoBatch) }),
  } as CheckedProducerSettings;
}

function checkAutoBatch(given: boolean | AutoBatchSettings): boolean | AutoBatchOptions {
  if (typeof given === 'boolean') return given;
  if (typeof given !== 'object') throw new InvalidOptionError('producer.autoBatch', given, 'true, false or its limits');
  checkKeys('producer.autoBatch', given, ['holdMs', 'holdBytes', 'totalBytes']);
  const { holdMs, ...bytes } = given;
  if (holdMs === undefined) return bytes;
  return { ...bytes, holdMs: checkDuration('producer.autoBatch.holdMs', holdMs, 0, LONGEST_HOLD_MS) };
}
