// Recognises objects and classes of a second copy of these packages. A process may load both module formats: an app of ES modules
// and a library of it in CommonJS each get a copy, and with it classes of their own.

/** Stands on the prototypes of our classes, in each copy. */
const BRAND = Symbol.for('nest-rocketmq.class');

/** A class, also one with a private constructor. */
interface AnyClass {
  readonly name: string;
  readonly prototype: object;
}

/** Marks a class, and those that extend it, as one that each copy has under the same name. */
export function brand(type: AnyClass): void {
  Object.defineProperty(type.prototype, BRAND, { value: true });
}

/**
 * What `instanceof` asks: whether `value` is of this class, or of the class of the same name in another copy.
 * @param base the class that `brand` was called with: `type` or one that it extends
 */
export function isInstanceOf(type: AnyClass, base: AnyClass, value: unknown): boolean {
  if (Function.prototype[Symbol.hasInstance].call(type, value)) return true;
  if (typeof value !== 'object' || value === null || !(BRAND in value)) return false;
  // The names tell classes of two copies apart from each other, not those of one.
  if (Object.prototype.isPrototypeOf.call(base.prototype, value)) return false;
  return namesOf(value).includes(type.name);
}

/** Whether it is this class, or that of the same name in another copy. */
export function isSameClass(type: unknown, ours: AnyClass): boolean {
  if (type === ours) return true;
  return typeof type === 'function' && type.name === ours.name && BRAND in Object(type.prototype);
}

function namesOf(value: object): string[] {
  const names: string[] = [];
  for (let each: object | null = value; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    if (Object.hasOwn(each, 'constructor')) names.push(each.constructor.name);
  }
  return names;
}
