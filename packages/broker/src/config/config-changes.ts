// Reads which options are to be changed while the broker runs.
import { InvalidOptionError, printable } from '@nest-rocketmq/remoting/internal';
import { parseProperties } from './broker-conf.js';
import { optionRows } from './option-rows.js';
import type { OptionName } from './option-rows.js';

/** The options that are looked up each time they count. Parts of the broker are made from the others. */
export const CHANGEABLE = [
  'brokerPermission',
  'litePullMessageEnable',
  'maxHeldPulls',
  'maxSuspendTimeMillis',
  'maxTransferBytesOnMessageInMemory',
  'maxTransferCountOnMessageInMemory',
  'notifyConsumerIdsChangedEnable',
  'recallMessageEnable',
  'rejectTransactionMessage',
  'storeReplyMessageEnable',
] as const satisfies readonly OptionName[];

type Changeable = (typeof CHANGEABLE)[number];

/**
 * The new values, by option. All of them can be set, or none is.
 * @param text lines of a Java properties file
 * @throws InvalidOptionError naming the first that cannot be
 */
export function changesOf(text: string): Map<Changeable, number | boolean> {
  const changes = new Map<Changeable, number | boolean>();
  for (const [key, value] of parseProperties(text)) {
    const name = CHANGEABLE.find((one) => one === key);
    if (!name) {
      const allowed = `what broker.conf says at a start; while the broker runs, only ${CHANGEABLE.join(', ')} can be changed`;
      throw new InvalidOptionError(printable(key), value, allowed);
    }
    const row = optionRows[name];
    changes.set(name, row.check(name, row.parse(name, value)));
  }
  return changes;
}
