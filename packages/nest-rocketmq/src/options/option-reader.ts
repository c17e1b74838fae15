// Reads the options of decorators: a value, a function of the app's configuration, or a text with `${key}` in it.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';

/** Where the functions and the `${key}` of decorators look: a ConfigService of @nestjs/config has these methods. */
export interface ConfigReader {
  /** Undefined where there is no such key. */
  get<T = string>(key: string): T | undefined;
  get<T = string>(key: string, defaultValue: T): T;
  /** @throws where there is no such key */
  getOrThrow<T = string>(key: string): T;
}

/** A function that takes an option from the app's configuration. It may declare its parameter as a ConfigService. */
export type FromConfig<T> = { from(config: ConfigReader): T }['from'];

/** The options of a decorator, each a value or a function of the configuration. */
export type Configurable<T> = { [K in keyof T]: K extends 'payload' | 'payloadType' ? T[K] : T[K] | FromConfig<T[K]> };

/** Reads `${key}`: the module option `resolve`. */
export type ResolveOption = (key: string) => unknown;

/** Classes, which are functions too, and texts that are no names. */
const AS_THEY_ARE = new Set(['payload', 'payloadType']);
const PLACEHOLDER = /\$\{([^}:]+)(?::([^}]*))?\}/g;
const LONGEST_TEXT = 65_536;

export class OptionReader {
  readonly #config: ConfigReader;
  readonly #resolve: ResolveOption;

  /** @param resolve reads `${key}`; default: the configuration */
  constructor(config: ConfigReader, resolve?: ResolveOption) {
    this.#config = config;
    this.#resolve = resolve ?? ((key) => config.get<unknown>(key));
  }

  /** @throws InvalidOptionError */
  read<T extends object>(declared: Configurable<T>): T {
    // Checked by whoever knows the options.
    if (typeof declared !== 'object' || declared === null) return declared;
    const entries = Object.entries(declared).map(([option, value]) => [option, this.readOne<unknown>(option, value)]);
    return Object.fromEntries(entries) as T;
  }

  /** @throws InvalidOptionError */
  readOne<T>(option: string, declared: T | FromConfig<T>): T {
    if (AS_THEY_ARE.has(option)) return declared as T;
    const value = typeof declared === 'function' ? this.#called(option, declared as FromConfig<T>) : declared;
    if (typeof value === 'string') return this.#filled(option, value) as T;
    const isList = Array.isArray(value) && value.every((each) => typeof each === 'string');
    return isList ? (value.map((each: string) => this.#filled(option, each)) as T) : value;
  }

  #called<T>(option: string, from: FromConfig<T>): T {
    let value: T;
    try {
      value = from(this.#config);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new InvalidOptionError(option, from, `a function that returns a value; it threw: ${reason}`, undefined, {
        cause,
      });
    }
    if (!(value instanceof Promise)) return value;
    value.catch(() => undefined);
    throw new InvalidOptionError(option, from, 'a function that returns a value, not a promise');
  }

  #filled(option: string, text: string): string {
    if (!text.includes('${') || text.length > LONGEST_TEXT) return text;
    return text.replaceAll(PLACEHOLDER, (whole, key: string, otherwise: string | undefined) => {
      const value = this.#resolve(key.trim()) ?? otherwise;
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
      const allowed = `a text whose keys are configured; '${key.trim()}' is not. Configure it, or write a default: \${${key.trim()}:…}`;
      throw new InvalidOptionError(option, value === undefined ? whole : value, allowed);
    });
  }
}

/** Reads the environment, for an app without @nestjs/config. */
export function environmentReader(env: Readonly<Record<string, string | undefined>> = process.env): ConfigReader {
  const get = <T>(key: string, otherwise?: T): T => (env[key] ?? otherwise) as T;
  return {
    get,
    getOrThrow<T>(key: string): T {
      if (env[key] !== undefined) return env[key] as T;
      throw new InvalidOptionError(key, undefined, 'an environment variable, since the app has no ConfigService');
    },
  };
}
