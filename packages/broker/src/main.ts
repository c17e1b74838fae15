#!/usr/bin/env node
// Runs the command nest-rocketmq-broker: prints one line to stdout when it is ready, logs to stderr, stops by a signal.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { InvalidOptionError, RocketMQError } from '@nest-rocketmq/remoting/internal';
import type { Logger } from '@nest-rocketmq/remoting/internal';
import { startBroker } from './broker.js';
import { readBrokerConf } from './config/broker-conf.js';
import type { BrokerOptions } from './config/broker-options.js';
import { flagEntries, usage } from './config/usage.js';

const EXIT_WRONG_USE = 2;
const EXIT_FAILED = 1;

const text = { type: 'string' } as const;

const FLAGS = {
  ...Object.fromEntries(flagEntries.map(([, { name }]) => [name, text])),
  config: { type: 'string', short: 'c' },
  version: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
} as const;

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
  const { config, version, help, ...flags } = parse(args);
  if (help) return usage();
  if (version) return `${ownVersion()}\n`;
  const conf = config === undefined ? { options: {}, unknown: [] } : readConf(config);
  if (conf.unknown.length > 0)
    logger.warn(`${config}: these keys are unknown to this broker and ignored: ${conf.unknown.join(', ')}`);
  const options: Record<string, unknown> = {};
  for (const [option, { name, fallback }] of flagEntries)
    options[option] = flags[name] ?? conf.options[option] ?? fallback;
  return { ...conf.options, ...options, logger };
}

function ownVersion(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}

interface Given {
  config?: string;
  version?: boolean;
  help?: boolean;
  /** Flags that are options of the broker. */
  [flag: string]: string | boolean | undefined;
}

function parse(args: string[]): Given {
  try {
    return parseArgs({ args, options: FLAGS, allowPositionals: false }).values;
  } catch (cause) {
    const given = args.find((arg) => arg.startsWith('-') && !isKnown(arg)) ?? args.join(' ');
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new InvalidOptionError('arguments', given, `what --help lists (${reason})`, undefined, { cause });
  }
}

function isKnown(arg: string): boolean {
  const name = arg.replace(/^--?/, '').replace(/=.*/s, '');
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
    const flag = flagEntries.find(([option]) => option === error.option)?.[1];
    const name = flag ? `--${flag.name}` : error.option;
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
