// Answers the request that gives one group the offsets of another.
import { ResponseCode, printable } from '@nest-rocketmq/remoting/internal';
import type { Handlers } from '@nest-rocketmq/remoting/internal';
import type { Clients } from '../clients/clients.js';
import type { Groups } from '../metadata/groups.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { Topics } from '../metadata/topics.js';

export interface CloneOffsetDeps {
  offsets: ConsumerOffsets;
  topics: Topics;
  groups: Groups;
  clients: Clients;
}

export function cloneOffsetHandlers({
  offsets,
  topics,
  groups,
  clients,
}: CloneOffsetDeps): Pick<Handlers<'broker'>, 'CLONE_GROUP_OFFSET'> {
  return {
    CLONE_GROUP_OFFSET: ({ header: { srcGroup, destGroup, topic, offline } }) => {
      // Offsets of a group that is not there would stay for ever.
      if (!groups.findOrCreate(destGroup)) {
        const remark = `Group ${printable(destGroup)} not exist!`;
        return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark };
      }
      const subscribed = clients.consumers(srcGroup)?.subscriptions;
      for (const name of topic ? [topic] : offsets.topicsOf(srcGroup)) {
        // What a live group has left of a topic that it no longer consumes is not worth anything to another.
        if (!topics.get(name) || (!offline && subscribed && subscribed.size > 0 && !subscribed.has(name))) continue;
        for (const [queueId, offset] of offsets.ofGroup(srcGroup, name))
          offsets.commit(destGroup, name, queueId, offset);
      }
      return {};
    },
  };
}
