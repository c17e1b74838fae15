// Answers requests that show and change the broker's options.
import { InvalidOptionError, ResponseCode, printable } from '@nest-rocketmq/remoting/internal';
import type { Answer, Clock, Handlers, Logger } from '@nest-rocketmq/remoting/internal';
import { changesOf } from '../config/config-changes.js';
import { propertiesOf } from '../config/options.js';
import type { BrokerConfig } from '../config/options.js';

export interface ConfigDeps {
  config: BrokerConfig;
  clock: Clock;
  logger: Logger;
}

export function configHandlers({
  config,
  clock,
  logger,
}: ConfigDeps): Pick<Handlers<'broker'>, 'GET_BROKER_CONFIG' | 'UPDATE_BROKER_CONFIG'> {
  const version = { counter: 0, stateVersion: 0, timestamp: clock.now() };
  return {
    GET_BROKER_CONFIG: () => {
      const lines = [...propertiesOf(config)].map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`);
      return { header: { version: JSON.stringify(version) }, body: Buffer.from(lines.join(''), 'utf8') };
    },
    UPDATE_BROKER_CONFIG: ({ body, connection }) => {
      if (body.length === 0) return refused('there is no option to change in the body');
      try {
        const changes = changesOf(body.toString('utf8'));
        Object.assign(config, Object.fromEntries(changes));
        for (const [name, value] of changes)
          logger.log(`${connection.remoteAddress} has set ${name}=${value} until the broker stops`);
      } catch (error) {
        if (error instanceof InvalidOptionError) return refused(error.message);
        throw error;
      }
      version.counter++;
      version.timestamp = clock.now();
      return {};
    },
  };
}

function refused(remark: string): Answer {
  return { code: ResponseCode.SYSTEM_ERROR, remark: printable(remark) };
}
