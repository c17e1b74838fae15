// Reads and writes small settings that the name servers keep for all clients of a cluster.
import { Requests, ResponseCode, expectSuccess } from '@nest-rocketmq/remoting/internal';
import type { NameServers } from './name-servers.js';

export class KvConfig {
  readonly #nameServers: NameServers;

  constructor(nameServers: NameServers) {
    this.#nameServers = nameServers;
  }

  /** Undefined when there is none. @throws NameServerUnreachableError, ResponseError */
  async get(namespace: string, key: string): Promise<string | undefined> {
    return this.#nameServers.request(Requests.GET_KV_CONFIG, { namespace, key }, (reply) => {
      if (reply.code === ResponseCode.QUERY_NOT_FOUND) return undefined;
      expectSuccess(reply, this.#where);
      return reply.header.value;
    });
  }

  /** Writes it to every name server: they do not tell each other. @throws NameServerUnreachableError, ResponseError */
  async put(namespace: string, key: string, value: string): Promise<void> {
    for (const reply of await this.#nameServers.requestEach(Requests.PUT_KV_CONFIG, { namespace, key, value })) {
      expectSuccess(reply, this.#where);
    }
  }

  /** Removes it from every name server. @throws NameServerUnreachableError, ResponseError */
  async delete(namespace: string, key: string): Promise<void> {
    for (const reply of await this.#nameServers.requestEach(Requests.DELETE_KV_CONFIG, { namespace, key })) {
      expectSuccess(reply, this.#where);
    }
  }

  get #where(): string {
    return this.#nameServers.addresses.join(';');
  }
}
