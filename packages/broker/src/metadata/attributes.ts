// Says which attributes topics and groups can have, and applies a change of them by Apache's rules and in its words.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';

/** A change of attributes is not allowed. None of it was made. */
export class InvalidAttributeError extends RocketMQError<'INVALID_ATTRIBUTE'> {
  constructor(message: string) {
    super('INVALID_ATTRIBUTE', message);
  }
}

export type Attributes = Readonly<Record<string, string>>;

interface Attribute {
  /** Whether it can be set on what exists already. */
  readonly changeable: boolean;
  /** @throws InvalidAttributeError */
  check(value: string): void;
}

export type AttributeKind = Readonly<Record<string, Attribute>>;

const LONGEST = 2n ** 63n - 1n;

export const TOPIC_ATTRIBUTES: AttributeKind = {
  'queue.type': oneOf(['SimpleCQ', 'BatchCQ'], { unsupported: ['BatchCQ'], changeable: false }),
  'cleanup.policy': oneOf(['DELETE', 'COMPACTION'], { unsupported: ['COMPACTION'], changeable: false }),
  'message.type': oneOf(['UNSPECIFIED', 'NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'PRIORITY', 'LITE', 'MIXED'], {
    // The broker would have to order them by priority, or to divide them into lite topics.
    unsupported: ['PRIORITY', 'LITE', 'MIXED'],
    changeable: true,
  }),
  'reserve.time': between(-1n, LONGEST),
  'lite.topic.expiration': between(-1n, 43_200n),
};

export const GROUP_ATTRIBUTES: AttributeKind = {
  'priority.factor': between(0n, 100n),
  'lite.bind.topic': anything(),
  'lite.sub.model': oneOf(['Shared', 'Exclusive'], { unsupported: [], changeable: true }),
  'lite.sub.reset.offset.exclusive': trueOrFalse(),
  'lite.sub.reset.offset.unsubscribe': trueOrFalse(),
  'lite.sub.client.quota': between(-1n, LONGEST),
  'lite.sub.client.max.event.cnt': between(10n, LONGEST),
  'lite.sub.wildcard': anything(),
};

/**
 * Reads the text of a topic's change: `+name=value` sets an attribute, `-name` takes one away, with commas between.
 * @returns sign and name to value
 * @throws InvalidAttributeError
 */
export function parseAttributeChanges(text: string): Map<string, string> {
  const changes = new Map<string, string>();
  const listed = text.replace(/,+$/, '');
  if (listed === '') return changes;
  for (const change of listed.split(',')) {
    const at = change.indexOf('=');
    const key = at < 0 ? change : change.slice(0, at);
    if (at >= 0 && !key.includes('+')) fail(`add/alter attribute format is wrong: ${key}; to set one is +name=value`);
    if (at < 0 && !key.includes('-')) fail(`delete attribute format is wrong: ${key}; to take one away is -name`);
    if (changes.has(key)) fail(`key duplication: ${key}`);
    if (at === change.length - 1) fail(`add/alter attribute format is wrong: ${key} has no value`);
    changes.set(key, at < 0 ? '' : change.slice(at + 1));
  }
  return changes;
}

/**
 * What the attributes are after the change.
 * @param known before it; undefined: of something new
 * @param changes sign and name to value
 * @throws InvalidAttributeError
 */
export function changeAttributes(
  kind: AttributeKind,
  known: Attributes | undefined,
  changes: ReadonlyMap<string, string>,
): Attributes {
  const changed = new Map(Object.entries(known ?? {}));
  const seen = new Set<string>();
  for (const [key, value] of changes) {
    const [sign, name] = [key.slice(0, 1), key.slice(1)];
    if (name === '' || /[+-]/.test(name)) fail(`kv string format wrong: ${key}`);
    if (seen.has(name)) fail(`alter duplication key. key: ${name}`);
    seen.add(name);
    if (known === undefined && sign !== '+') {
      fail(`only add attribute is supported while creating topic. key: ${name}; to set one is +name=value`);
    }
    if (sign === '-' && !changed.has(name)) fail(`attempt to delete a nonexistent key: ${name}`);
    if (sign !== '+' && sign !== '-') fail(`wrong format key: ${key}`);
    const attribute = Object.hasOwn(kind, name) ? kind[name]! : unsupported(kind, name);
    if (known !== undefined && !attribute.changeable) {
      fail(`attempt to update an unchangeable attribute. key: ${name}`);
    }
    if (sign === '-') changed.delete(name);
    else {
      attribute.check(value);
      changed.set(name, value);
    }
  }
  return Object.fromEntries(changed);
}

/** What is wrong with attributes that were saved, as by another broker; undefined when nothing is. */
export function attributesFault(kind: AttributeKind, attributes: Attributes): string | undefined {
  try {
    for (const [name, value] of Object.entries(attributes)) {
      if (Object.hasOwn(kind, name)) kind[name]!.check(value);
    }
    return undefined;
  } catch (error) {
    if (error instanceof InvalidAttributeError) return error.message;
    throw error;
  }
}

function unsupported(kind: AttributeKind, name: string): never {
  fail(`unsupported key: ${name}; allowed are ${Object.keys(kind).join(', ')}`);
}

function oneOf(values: readonly string[], more: { unsupported: readonly string[]; changeable: boolean }): Attribute {
  return {
    changeable: more.changeable,
    check(value) {
      if (!values.includes(value)) fail(`value is not in set: [${values.join(', ')}]`);
      if (!more.unsupported.includes(value)) return;
      const allowed = values.filter((one) => !more.unsupported.includes(one));
      fail(`${value} is not supported by this broker: allowed are ${allowed.join(', ')}`);
    },
  };
}

function between(min: bigint, max: bigint): Attribute {
  return {
    changeable: true,
    check(value) {
      const number = /^[+-]?\d{1,19}$/.test(value) ? BigInt(value.replace('+', '')) : LONGEST + 1n;
      if (number > LONGEST || number < -LONGEST - 1n) fail(`For input string: "${value}"; allowed is a whole number`);
      if (number < min || number > max) fail(`value is not in range(${min}, ${max})`);
    },
  };
}

function trueOrFalse(): Attribute {
  return {
    changeable: true,
    check(value) {
      if (!/^(true|false)$/i.test(value)) fail('boolean attribute format is wrong: allowed are true and false');
    },
  };
}

function anything(): Attribute {
  return { changeable: true, check: () => undefined };
}

function fail(message: string): never {
  throw new InvalidAttributeError(message);
}
