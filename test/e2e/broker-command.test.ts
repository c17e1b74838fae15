// Tests the command nest-rocketmq-broker as a user runs it. Needs the build.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RocketMQClient } from '@nest-rocketmq/client';

const MAIN = join(import.meta.dirname, '../../packages/broker/dist/esm/main.js');
const MANIFEST = join(import.meta.dirname, '../../packages/broker/package.json');
const FREE_PORTS = ['--listen', '127.0.0.1:0', '--name-server-listen', '127.0.0.1:0'];
const READY = /^ready name-server=(127\.0\.0\.1:\d+) broker=(127\.0\.0\.1:\d+)\n$/;

let directory: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'broker-command-'));
});

afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

class Run {
  stdout = '';
  stderr = '';
  readonly exit: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(args: string[]) {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run npm run build`);
    const { NODE_OPTIONS: _options, ...env } = process.env;
    child = this.#child = spawn(process.execPath, [MAIN, ...args], { cwd: directory, env });
    this.#child.stdout!.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exit = once(this.#child, 'close').then(([code]) => code as number | null);
  }

  /** Resolves with the addresses of name server and broker when the broker is ready. */
  async ready(): Promise<{ nameServer: string; broker: string }> {
    while (!this.stdout.includes('\n')) {
      const ended = await Promise.race([
        once(this.#child.stdout!, 'data').then(() => false),
        this.exit.then(() => true),
      ]);
      if (ended) throw new Error(`it ended before it was ready: ${this.stderr}`);
    }
    const [, nameServer, broker] = READY.exec(this.stdout) ?? [];
    return { nameServer: nameServer!, broker: broker! };
  }

  kill(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.exit;
  }
}

async function send(nameServer: string, bodies: string[]): Promise<void> {
  const client = new RocketMQClient({ nameServer });
  await client.start();
  const producer = client.createProducer({ group: 'command-test', sendMsgTimeout: 60_000 });
  await producer.start();
  for (const body of bodies) await producer.send({ topic: 'command', body });
  await client.shutdown();
}

/** Sends from several producers at once, and kills the broker meanwhile. Resolves with what was acknowledged. */
async function sendUntilKilled(run: Run, after: number): Promise<string[]> {
  const { nameServer } = await run.ready();
  const client = new RocketMQClient({ nameServer });
  await client.start();
  const producer = client.createProducer({ group: 'command-test', retryTimesWhenSendFailed: 0 });
  await producer.start();
  const acknowledged: string[] = [];
  let next = 0;
  let isKilled = false;
  const hand = async (): Promise<void> => {
    while (!isKilled) {
      const body = String(next++);
      // On a busy machine one may fail before the kill, too.
      const sent = await producer.send({ topic: 'command', body }).then(
        () => true,
        () => false,
      );
      if (sent) acknowledged.push(body);
      if (isKilled || acknowledged.length < after) continue;
      isKilled = true;
      void run.kill('SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: 8 }, hand));
  await run.exit;
  await client.shutdown();
  return acknowledged;
}

/** Resolves with the bodies that a new group receives, when all the wanted ones are among them. */
async function received(nameServer: string, wanted: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  const client = new RocketMQClient({ nameServer });
  await client.start();
  const missing = new Set(wanted);
  await new Promise<void>((resolve, reject) => {
    const consumer = client.createPushConsumer({
      group: 'command-test-reader',
      subscriptions: [{ topic: 'command' }],
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      listener: async (messages) => {
        for (const { body } of messages) {
          found.add(body.toString());
          missing.delete(body.toString());
        }
        if (missing.size === 0) resolve();
      },
    });
    consumer.start().catch(reject);
  });
  await client.shutdown();
  return found;
}

describe('nest-rocketmq-broker', () => {
  it.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])(
    'prints one line when it is ready, serves, and ends cleanly by %s',
    async (signal) => {
      const run = new Run([...FREE_PORTS, '--store', 'data']);
      const { nameServer } = await run.ready();
      await send(nameServer, ['one', 'two']);
      expect(await run.kill(signal)).toBe(0);
      expect(run.stdout).toMatch(READY);
      const left = readdirSync(join(directory, 'data'));
      expect(left).toEqual(expect.arrayContaining(['commitlog', 'config', 'consumequeue']));
      expect(left).not.toContain('abort');
    },
  );

  it.each(['async', 'sync'])('has all that it acknowledged after kill -9, with --flush %s', async (flush) => {
    const args = [...FREE_PORTS, '--store', 'data', '--flush', flush];
    const doomed = new Run(args);
    const acknowledged = await sendUntilKilled(doomed, 500);
    const again = new Run(args);
    const found = await received((await again.ready()).nameServer, acknowledged);
    expect(acknowledged.filter((body) => !found.has(body))).toEqual([]);
    expect(await again.kill('SIGTERM')).toBe(0);
  });

  it("takes its options from a broker.conf with Apache's keys, those of the command line first", async () => {
    const conf = join(directory, 'broker.conf');
    writeFileSync(
      conf,
      'brokerName=from-conf\nstorePathRootDir=elsewhere\nflushDiskType=SYNC_FLUSH\nsomeApacheKey=1\n',
    );
    const run = new Run([...FREE_PORTS, '-c', conf, '--store', 'here']);
    const { nameServer } = await run.ready();
    await send(nameServer, ['one']);
    expect(await run.kill('SIGTERM')).toBe(0);
    expect(readdirSync(directory)).toContain('here');
    expect(readdirSync(directory)).not.toContain('elsewhere');
    expect(run.stderr).toContain('someApacheKey');
  });

  it('closes a connection that sends garbage, and serves the others', async () => {
    const run = new Run([...FREE_PORTS, '--store', 'memory']);
    const { nameServer, broker } = await run.ready();
    for (const address of [nameServer, broker]) {
      const [host, port] = address.split(':');
      const socket = connect(Number(port), host);
      socket.end('GET / HTTP/1.1\r\n\r\n');
      await once(socket, 'close');
    }
    await send(nameServer, ['one']);
  });

  it.each([
    [['--flush', 'maybe'], '--flush', `'maybe'`, '"async" or "sync"'],
    [['--listen', 'nowhere'], '--listen', `'nowhere'`, 'host:port'],
    [['--name-server-listen', '127.0.0.1:99999'], '--name-server-listen', `'127.0.0.1:99999'`, '65535'],
    [['--stroe', 'data'], '--stroe', '--stroe', '--help'],
    [['-c', 'missing.conf'], '--config', `'missing.conf'`, 'can be read'],
  ])('refuses %j with the name, what was given and what is allowed', async (args, name, given, allowed) => {
    const run = new Run(args);
    expect(await run.exit).toBe(2);
    expect(run.stdout).toBe('');
    for (const part of [name, given, allowed]) expect(run.stderr).toContain(part);
  });

  it.each(['--version', '-v'])('prints its version: %s', async (flag) => {
    const run = new Run([flag]);
    expect(await run.exit).toBe(0);
    expect(run.stdout).toBe(`${(JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version}\n`);
  });

  it('refuses a store that another one has open, and names its process', async () => {
    const first = new Run([...FREE_PORTS, '--store', 'data']);
    await first.ready();
    const holder = child!;
    const second = new Run([...FREE_PORTS, '--store', 'data']);
    expect(await second.exit).toBe(1);
    expect(second.stderr).toContain(String(holder.pid));
    holder.kill('SIGKILL');
    await first.exit;
  });

  it('explains itself with --help', async () => {
    const run = new Run(['--help']);
    expect(await run.exit).toBe(0);
    for (const flag of ['--listen', '--name-server-listen', '--store', '--flush', '--config'])
      expect(run.stdout).toContain(flag);
  });
});
