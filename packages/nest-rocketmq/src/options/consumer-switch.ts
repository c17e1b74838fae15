// Decides which consumers run in this process: the module option `consumers`, or the environment.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';

/** The environment variable that says which consumers run if the option `consumers` is not set. */
export const CONSUMERS_ENV = 'ROCKETMQ_CONSUMERS';

/**
 * Which consumers run in this process. `false`: none, as in a process that only serves HTTP. An object: by consumer group, and
 * within a group by topic; '*' stands for what is not named: `{ '*': false, mail: true }`.
 */
export type ConsumersOption = boolean | Readonly<Record<string, boolean | Readonly<Record<string, boolean>>>>;

const ALL = '*';
const ALLOWED = "true, false, or an object such as { mail: false, shop: { order: false }, '*': true }";
const MOST_ENV_LENGTH = 65_536;

export class ConsumerSwitch {
  readonly #groups: ReadonlyMap<string, boolean | ReadonlyMap<string, boolean>>;

  /** @throws InvalidOptionError */
  static of(given: unknown, env: Readonly<Record<string, string | undefined>>): ConsumerSwitch {
    if (given !== undefined) return new ConsumerSwitch(checked(given));
    return new ConsumerSwitch(fromEnvironment(env[CONSUMERS_ENV]), true);
  }

  private constructor(
    given: ConsumersOption,
    /** It then speaks of the groups of all clusters. */
    readonly isOfProcess = false,
  ) {
    const groups = typeof given === 'boolean' ? { [ALL]: given } : given;
    this.#groups = new Map(
      Object.entries(groups).map(([group, value]) => [
        group,
        typeof value === 'boolean' ? value : new Map(Object.entries(value)),
      ]),
    );
  }

  /** @param topic default: one of the group */
  isOn(group: string, topic?: string): boolean {
    const value = this.#groups.get(group) ?? this.#groups.get(ALL) ?? true;
    if (typeof value === 'boolean') return value;
    if (topic !== undefined) return value.get(topic) ?? value.get(ALL) ?? true;
    return value.size === 0 || value.get(ALL) !== false || [...value.values()].includes(true);
  }

  /**
   * What it names and the app does not have: 'mial', or 'shop.ordre'. A misspelt name would leave a consumer running.
   * @param known the topics of each group
   */
  unknown(known: ReadonlyMap<string, ReadonlySet<string>>): string[] {
    return [...this.#groups].flatMap(([group, value]) => {
      if (group === ALL) return [];
      const topics = known.get(group);
      if (!topics) return [group];
      if (typeof value === 'boolean') return [];
      return [...value.keys()]
        .filter((topic) => topic !== ALL && !topics.has(topic))
        .map((topic) => `${group}.${topic}`);
    });
  }
}

function checked(given: unknown): ConsumersOption {
  if (typeof given === 'boolean') return given;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidOptionError('consumers', given, ALLOWED);
  }
  for (const [group, value] of Object.entries(given)) {
    if (typeof value === 'boolean') continue;
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (isMap && Object.values(value as object).every((each) => typeof each === 'boolean')) continue;
    throw new InvalidOptionError(
      `consumers.${group}`,
      value,
      'true, false, or an object of topics, each true or false',
    );
  }
  return given as ConsumersOption;
}

/** 'true', 'false', or the groups that run: 'shop,mail'. */
function fromEnvironment(text: string | undefined): ConsumersOption {
  const given = text?.trim() ?? '';
  if (given === '' || given === 'true') return true;
  if (given === 'false') return false;
  const groups = given
    .slice(0, MOST_ENV_LENGTH)
    .split(',')
    .map((group) => group.trim());
  return { [ALL]: false, ...Object.fromEntries(groups.filter((group) => group !== '').map((group) => [group, true])) };
}
