// Answers consumers that ask which queues are theirs and whether they pull or pop, and sets that (mqadmin setConsumeMode).
import {
  MAX_ROUTE_QUEUES,
  ResponseCode,
  decodeAssignmentQuery,
  decodeRequestMode,
  encodeAssignment,
  isRetryTopic,
  parseJsonObject,
  printable,
} from '@nest-rocketmq/remoting/internal';
import type {
  Answer,
  AssignmentQuery,
  EventLog,
  Handlers,
  MessageQueue,
  MessageRequestMode,
} from '@nest-rocketmq/remoting/internal';
import type { Clients } from '../clients/clients.js';
import type { Groups } from '../metadata/groups.js';
import type { Topics } from '../metadata/topics.js';
import type { RouteTable } from '../namesrv/route-table.js';
import { assignForPop, readableQueues, strategyOf } from './assign-queues.js';
import type { RequestModes } from './request-modes.js';

export interface AssignmentDeps {
  requestModes: RequestModes;
  routes: RouteTable;
  clients: Clients;
  topics: Topics;
  groups: Groups;
  log: EventLog;
  config: {
    serverLoadBalancerEnable: boolean;
    defaultMessageRequestMode: MessageRequestMode;
    defaultPopShareQueueNum: number;
  };
}

export function assignmentHandlers(
  deps: AssignmentDeps,
): Pick<Handlers<'broker'>, 'QUERY_ASSIGNMENT' | 'SET_MESSAGE_REQUEST_MODE'> {
  return {
    QUERY_ASSIGNMENT: ({ body }) => assign(deps, decodeAssignmentQuery(body)),
    SET_MESSAGE_REQUEST_MODE: ({ body }) => setMode(deps, body),
  };
}

function assign(deps: AssignmentDeps, query: AssignmentQuery): Answer {
  const { requestModes, config } = deps;
  const { topic, consumerGroup } = query;
  // What is retried for those that pull is pulled.
  const mode = isRetryTopic(topic) ? 'PULL' : config.defaultMessageRequestMode;
  const set = requestModes.get(topic, consumerGroup) ?? { mode, popShareQueueNum: config.defaultPopShareQueueNum };
  return { body: encodeAssignment(queuesOf(deps, query, set), set.mode) };
}

/** Undefined where it is not known: the consumer keeps what it has. */
function queuesOf(
  { routes, clients, config, log }: AssignmentDeps,
  { topic, consumerGroup, clientId, strategyName, messageModel }: AssignmentQuery,
  { mode, popShareQueueNum }: { mode: MessageRequestMode; popShareQueueNum: number },
): MessageQueue[] | undefined {
  const route = routes.route(topic);
  if (!route) return undefined;
  const queues = readableQueues(topic, route.queueDatas);
  if (!queues) {
    const brokers = route.queueDatas.map(({ brokerName, readQueueNums }) => `${readQueueNums} at ${brokerName}`);
    const message = `topic ${printable(topic)} has more queues than are assigned, MAX_ROUTE_QUEUES=${MAX_ROUTE_QUEUES}`;
    log.say('warn', 'topics with too many queues', `${message}: ${printable(brokers.join(', '))}`);
    return undefined;
  }
  if (messageModel === 'BROADCASTING' || !config.serverLoadBalancerEnable) return queues;
  const group = clients.consumers(consumerGroup);
  if (!group) return undefined;
  const clientIds = [...new Set([...group.clients.values()].map((client) => client.clientId))].toSorted();
  // Apache's strategies refuse these, and its broker then answers as without a route.
  if (!clientId || queues.length === 0) return undefined;
  const strategy = strategyOf(strategyName);
  if (!strategy) {
    const asked = `group ${printable(consumerGroup)} asks for the strategy ${printable(strategyName)}`;
    log.say('warn', 'unknown strategies', `${asked}: this broker has AVG, AVG_BY_CIRCLE and CONSISTENT_HASH`);
    return undefined;
  }
  if (mode === 'PULL') return strategy.allocate(consumerGroup, clientId, queues, clientIds);
  return assignForPop(strategy, consumerGroup, clientId, queues, clientIds, popShareQueueNum);
}

async function setMode({ requestModes, topics, groups }: AssignmentDeps, body: Buffer): Promise<Answer> {
  const mode = decodeRequestMode(parseJsonObject(body, 'a request mode'));
  const { topic, consumerGroup } = mode;
  if (isRetryTopic(topic))
    return { code: ResponseCode.NO_PERMISSION, remark: 'retry topic is not allowed to set mode' };
  if (!topics.get(topic)) return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${printable(topic)}] not exist` };
  if (!groups.findOrCreate(consumerGroup))
    return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark: 'subscription group does not exist' };
  await requestModes.set(mode);
  return {};
}
