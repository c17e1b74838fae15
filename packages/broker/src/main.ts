#!/usr/bin/env node
// Owns the command nest-rocketmq-broker: its arguments, its one line on stdout, its logs on stderr, and its end by a
// signal. Leaves the broker to broker.ts.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { InvalidOptionError, RocketMQError } from '@nest-rocketmq/remoting/internal';
import type { Logger } from '@nest-rocketmq/remoting/internal';
import { startBroker } from './broker.js';
import { readBrokerConf } from './config/broker-conf.js';
import { DEFAULT_LISTEN, DEFAULT_NAME_SERVER_LISTEN, DEFAULT_STORE } from './config/options.js';
import type { BrokerOptions } from './config/options.js';

const USAGE = `Usage: nest-rocketmq-broker [options]

Starts a RocketMQ broker and its name server, and prints one line when both are ready.

  --listen HOST:PORT              where the broker listens (${DEFAULT_LISTEN})
  --name-server-listen HOST:PORT  where the name server listens (${DEFAULT_NAME_SERVER_LISTEN})
  --store DIR                     folder of the store, or "memory" (${DEFAULT_STORE})
  --flush async|sync              acknowledge when the system has a message, or when the disk has (async)
  -c, --config FILE               a broker.conf with Apache's keys; the options above stand before it
  -v, --version                   the version of this command
  -h, --help                      this text
`;

const EXIT_WRONG_USE = 2;
const EXIT_FAILED = 1;

const FLAGS = {
  listen: { type: 'string' },
  'name-server-listen': { type: 'string' },
  store: { type: 'string' },
  flush: { type: 'string' },
  config: { type: 'string', short: 'c' },
  version: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Names of options as they stand on the command line, for messages. */
const FLAG_OF: Readonly<Record<string, string>> = {
  listen: '--listen',
  nameServerListen: '--name-server-listen',
  store: '--store',
  flush: '--flush',
};

const line = (level: string, message: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${level} ${message}\n`);
};

const logger: Logger = {
  log: (message) => line('INFO', message),
  warn: (message) => line('WARN', message),
  error: (message) => line('ERROR', message),
};

/** @returns the options, or the text that was asked for instead */
function optionsOf(args: string[]): BrokerOptions | string {
  const { values } = parse(args);
  if (values.help) return USAGE;
  if (values.version) return `${version()}\n`;
  const conf = values.config === undefined ? { options: {}, unknown: [] } : readConf(values.config);
  if (conf.unknown.length > 0)
    logger.warn(`${values.config}: these keys mean nothing here: ${conf.unknown.join(', ')}`);
  return {
    listen: DEFAULT_LISTEN,
    nameServerListen: DEFAULT_NAME_SERVER_LISTEN,
    ...conf.options,
    ...(values.listen !== undefined && { listen: values.listen }),
    ...(values['name-server-listen'] !== undefined && { nameServerListen: values['name-server-listen'] }),
    ...(values.store !== undefined && { store: values.store }),
    ...(values.flush !== undefined && { flush: values.flush as 'async' }),
    logger,
  };
}

function version(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS, allowPositionals: false });
  } catch (cause) {
    const given = args.find((arg) => arg.startsWith('-') && !isKnown(arg)) ?? args.join(' ');
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new InvalidOptionError('arguments', given, `what --help lists (${reason})`, undefined, { cause });
  }
}

function isKnown(arg: string): boolean {
  const name = arg.split('=', 1)[0].replace(/^--?/, '');
  return Object.hasOwn(FLAGS, name) || ['c', 'h', 'v'].includes(name);
}

function readConf(path: string): ReturnType<typeof readBrokerConf> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InvalidOptionError('--config', path, 'the path of a file that can be read', undefined, { cause });
  }
  return readBrokerConf(text);
}

/** @returns the exit code when it ends at once; undefined while the broker runs */
async function main(args: string[]): Promise<number | undefined> {
  const options = optionsOf(args);
  if (typeof options === 'string') {
    process.stdout.write(options);
    return 0;
  }
  const broker = await startBroker(options);
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    logger.log(`${signal}: stopping`);
    broker.stop().then(
      () => process.exit(0),
      (error: unknown) => process.exit(report(error)),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.stdout.write(`ready name-server=${broker.nameServerAddress} broker=${broker.brokerAddress}\n`);
  return undefined;
}

function report(error: unknown): number {
  if (error instanceof InvalidOptionError) {
    const name = FLAG_OF[error.option] ?? error.option;
    process.stderr.write(`nest-rocketmq-broker: ${error.message.replace(error.option, name)}\n`);
    return EXIT_WRONG_USE;
  }
  const known = error instanceof RocketMQError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`nest-rocketmq-broker: ${known}\n`);
  return EXIT_FAILED;
}

main(process.argv.slice(2)).then(
  (code) => {
    if (code !== undefined) process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = report(error);
  },
);
