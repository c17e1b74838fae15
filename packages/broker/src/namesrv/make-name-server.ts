// Puts a name server together from its parts.
import { RemotingServer, handlerTable } from '@nest-rocketmq/remoting/internal';
import { idleTimeoutOf } from '../config/options.js';
import type { Environment } from '../environment.js';
import { KVConfig } from './kv-config.js';
import { NameServer } from './name-server.js';
import { RouteTable } from './route-table.js';

export interface NameServerParts {
  routes: RouteTable;
  server: RemotingServer;
  stop(): Promise<void>;
}

export async function makeNameServer({ config, openConfig }: Environment): Promise<NameServerParts> {
  const routes = new RouteTable(config);
  const nameServer = new NameServer(
    routes,
    new KVConfig({ ...config, ...(await openConfig('kvConfig.json', 'configTable')) }),
    config,
  );
  const handlers = handlerTable(nameServer.handlers());
  const server = new RemotingServer({ ...config, idleTimeout: idleTimeoutOf(config), handlers });
  server.onConnectionClosed((connection) => nameServer.connectionClosed(connection));
  const stop = async (): Promise<void> => {
    nameServer.stop();
    await server.close();
  };
  return { routes, server, stop };
}
