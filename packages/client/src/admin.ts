// Owns administration through the client: topics, offsets and looking messages up.

export interface CreateTopicOptions {
  topic: string;
  /** Default 8. */
  queues?: number;
  /** 2 write, 4 read, 6 both. Default 6. */
  perm?: number;
}

export class Admin {
  /** Creates the topic on every master, or changes its number of queues. */
  async createTopic(_options: CreateTopicOptions): Promise<void> {}
}
