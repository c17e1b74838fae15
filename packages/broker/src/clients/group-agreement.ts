// Warns when the members of a consumer group subscribe differently: each of them misses messages then, and no error
// tells them so.
import { createHash } from 'node:crypto';
import { memberSubscriptionsText, printable } from '@nest-rocketmq/remoting/internal';
import type { Clock, ConsumerData, Logger } from '@nest-rocketmq/remoting/internal';
import { isSystemGroup } from '../metadata/names.js';
import { WarningRate } from './warning-rate.js';

/** Most warnings a minute, for all groups together. The others follow at a later heartbeat. */
export const MAX_WARNINGS_PER_MINUTE = 10;
/** Longest text of one member's subscriptions in a warning, characters. */
const LONGEST_TEXT = 200;

export interface GroupAgreementOptions {
  clock: Clock;
  logger: Logger;
}

/** What one or more members subscribe to, and how. */
interface Variant {
  readonly text: string;
  /** Connection to client id. */
  readonly members: Map<object, string>;
  warned: boolean;
}

interface Group {
  /** By the connection of the member. */
  readonly ofMember: Map<object, Variant>;
  /** By its text. */
  readonly variants: Map<string, Variant>;
}

export class GroupAgreement {
  readonly #rate: WarningRate;
  readonly #logger: Logger;
  readonly #groups = new Map<string, Group>();

  constructor({ clock, logger }: GroupAgreementOptions) {
    this.#rate = new WarningRate(clock, MAX_WARNINGS_PER_MINUTE);
    this.#logger = logger;
  }

  /** A member has sent its subscriptions. @param connection identifies the member */
  heard(data: ConsumerData, clientId: string, connection: object): void {
    // Tools use these groups, with different subscriptions.
    if (isSystemGroup(data.groupName)) return;
    const group = this.#groupOf(data.groupName);
    const text = textOf(data);
    let variant = group.variants.get(text);
    if (!variant) group.variants.set(text, (variant = { text, members: new Map(), warned: false }));
    if (group.ofMember.get(connection) !== variant) {
      forget(group, connection);
      group.ofMember.set(connection, variant);
      this.#lookWhetherAgreed(data.groupName, group);
    }
    variant.members.set(connection, clientId);
    if (!variant.warned && group.variants.size > 1) this.#warn(data.groupName, group, variant, clientId);
  }

  left(groupName: string, connection: object): void {
    const group = this.#groups.get(groupName);
    if (!group) return;
    forget(group, connection);
    if (group.ofMember.size === 0) this.#groups.delete(groupName);
    else this.#lookWhetherAgreed(groupName, group);
  }

  #groupOf(name: string): Group {
    let group = this.#groups.get(name);
    if (!group) this.#groups.set(name, (group = { ofMember: new Map(), variants: new Map() }));
    return group;
  }

  #warn(name: string, group: Group, variant: Variant, clientId: string): void {
    const other = [...group.variants.values()].find((one) => one !== variant && one.members.size > 0);
    if (!other || !this.#rate.allows()) return;
    const otherId = other.members.values().next().value ?? '';
    for (const one of group.variants.values()) one.warned = true;
    this.#logger.warn(
      `the members of consumer group ${printable(name)} subscribe differently: client ${printable(clientId)} asks for ` +
        `${printable(variant.text)}, client ${printable(otherId)} asks for ${printable(other.text)}. A group divides its ` +
        `queues among its members, so each of them misses messages. While a new version is rolled out this is normal ` +
        `for a short time; otherwise give each service a consumer group of its own.`,
    );
  }

  #lookWhetherAgreed(name: string, group: Group): void {
    const [only, ...others] = group.variants.values();
    if (!only?.warned || others.length > 0) return;
    only.warned = false;
    this.#logger.log(`the members of consumer group ${printable(name)} subscribe alike again`);
  }
}

function forget(group: Group, connection: object): void {
  const variant = group.ofMember.get(connection);
  if (!variant) return;
  group.ofMember.delete(connection);
  variant.members.delete(connection);
  if (variant.members.size === 0) group.variants.delete(variant.text);
}

/** A long text is cut, with a digest so that different ones stay different. */
function textOf(data: ConsumerData): string {
  const { subscriptionDataSet } = data;
  const text = memberSubscriptionsText(subscriptionDataSet, data);
  if (text.length <= LONGEST_TEXT) return text;
  const digest = createHash('sha1').update(text).digest('hex').slice(0, 16);
  return `${text.slice(0, LONGEST_TEXT)} … (${subscriptionDataSet.length} topics, ${digest})`;
}
