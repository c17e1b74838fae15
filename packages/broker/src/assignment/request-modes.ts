// Keeps how groups get the messages of topics, by pulling or popping (messageRequestMode.json).
import { DecodeError, decodeRequestMode, entriesOf, isObject, objectOf } from '@nest-rocketmq/remoting/internal';
import type { Logger, RequestModeBody } from '@nest-rocketmq/remoting/internal';
import { LimitExceededError } from '../config/limits.js';
import type { Environment } from '../environment.js';
import { usableEntries } from '../metadata/config-entries.js';
import type { ConfigFile } from '../metadata/config-file.js';
import { WriteThroughSave } from '../metadata/write-through-save.js';

export interface RequestModesOptions {
  file: ConfigFile;
  saved: unknown;
  logger: Logger;
  maxRequestModes: number;
}

export class RequestModes {
  /** By topic, then group. */
  readonly #table = new Map<string, Map<string, RequestModeBody>>();
  readonly #save: WriteThroughSave;
  readonly #most: number;
  #size = 0;

  constructor({ file, saved, logger, maxRequestModes }: RequestModesOptions) {
    this.#most = maxRequestModes;
    this.#save = new WriteThroughSave({ file, logger, content: () => this.#json() });
    const { messageRequestModeMap } = objectOf(saved);
    const decode = (topic: string, groups: unknown): RequestModeBody[] | undefined => {
      if (!isObject(groups)) return undefined;
      return entriesOf(groups).flatMap(([group, json]) => modeOf({ ...objectOf(json), topic, consumerGroup: group }));
    };
    const { usable } = usableEntries('entries of messageRequestMode.json', messageRequestModeMap, decode, logger);
    for (const [, modes] of usable) for (const mode of modes) this.#add(mode);
  }

  static async open({ config, openConfig }: Environment): Promise<RequestModes> {
    return new RequestModes({ ...config, ...(await openConfig('messageRequestMode.json', 'messageRequestModeMap')) });
  }

  get(topic: string, group: string): RequestModeBody | undefined {
    return this.#table.get(topic)?.get(group);
  }

  /** Resolves when it is saved. @throws LimitExceededError */
  async set(mode: RequestModeBody): Promise<void> {
    const { topic, consumerGroup } = mode;
    if (!this.get(topic, consumerGroup) && this.#size >= this.#most)
      throw new LimitExceededError('topics and groups with a request mode', 'maxRequestModes', this.#most);
    this.#add(mode);
    this.#save.changed(topic);
    await this.#save.whenSaved(topic);
  }

  #add(mode: RequestModeBody): void {
    let groups = this.#table.get(mode.topic);
    if (!groups) this.#table.set(mode.topic, (groups = new Map<string, RequestModeBody>()));
    if (!groups.has(mode.consumerGroup)) this.#size++;
    groups.set(mode.consumerGroup, mode);
  }

  #json(): object {
    const topics = [...this.#table].map(([topic, groups]) => [topic, Object.fromEntries(groups)] as const);
    return { messageRequestModeMap: Object.fromEntries(topics) };
  }
}

function modeOf(json: Record<string, unknown>): RequestModeBody[] {
  try {
    return [decodeRequestMode(json)];
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
