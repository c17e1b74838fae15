// Lists all options of the broker. Checks, types, --help, broker.conf, LIMITS.md and the docs are made from this list.
import { addressRows, deliveryRows, topicRows } from './broker-rows.js';
import { limitRows } from './limit-rows.js';
import type { OptionRow } from './option-row.js';
import { popRows } from './pop-rows.js';
import { retentionRows, storeRows } from './store-rows.js';

/** By the chapters of docs/broker-options.md. */
export const optionChapters = {
  'Addresses and names': addressRows,
  'Topics and groups': topicRows,
  'Pulls, delays, transactions': deliveryRows,
  'POP and assignments': popRows,
  Store: storeRows,
  'Retention and disk space': retentionRows,
  Limits: limitRows,
} as const;

export const optionRows = {
  ...addressRows,
  ...topicRows,
  ...deliveryRows,
  ...popRows,
  ...storeRows,
  ...retentionRows,
  ...limitRows,
} as const;

export type OptionRows = typeof optionRows;
export type OptionName = keyof OptionRows;
export type AnyOptionRow = OptionRow<string | number | boolean, unknown>;

/** All rows with their names, in the order of the docs. */
export const optionEntries = Object.entries(optionRows) as [OptionName, AnyOptionRow][];

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(optionRows, name);
}
