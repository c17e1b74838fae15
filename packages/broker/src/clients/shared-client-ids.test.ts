import { afterEach, describe, expect, it } from '@jest/globals';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';

let running: TestBroker;
let warnings: string[];
afterEach(() => running.stop());

async function clients(count: number): Promise<TestClient[]> {
  warnings = [];
  running = await TestBroker.start({ logger: { log() {}, warn: (line: string) => warnings.push(line), error() {} } });
  return Promise.all(Array.from({ length: count }, () => running.client()));
}

const beat = (client: TestClient, id = 'app@1', group = 'g'): Promise<unknown> =>
  client.subscribe(id, group, { t: '*' });

describe('two members of a group with one client id', () => {
  it('are warned of once, when both go on sending heartbeats', async () => {
    const [one, two] = (await clients(2)) as [TestClient, TestClient];
    for (let round = 0; round < 3; round++) for (const client of [one, two]) await beat(client);
    expect(warnings).toEqual([
      expect.stringMatching(/two members of consumer group g have the client id app@1: .*instanceName/),
    ]);
  });

  it('are one that has come back, when only the newer connection sends any', async () => {
    const [gone, back] = (await clients(2)) as [TestClient, TestClient];
    for (let round = 0; round < 3; round++) await beat(gone);
    for (let round = 0; round < 3; round++) await beat(back);
    expect(warnings).toEqual([]);
  });

  it('are none in different groups, nor when one has left', async () => {
    const [one, two] = (await clients(2)) as [TestClient, TestClient];
    for (let round = 0; round < 3; round++) {
      await beat(one, 'app@1', 'g');
      await beat(two, 'app@1', 'h');
      await beat(two, 'other@2', 'g');
    }
    expect(warnings).toEqual([]);
  });

  it('are warned of again when they had been told apart meanwhile', async () => {
    const [one, two] = (await clients(2)) as [TestClient, TestClient];
    for (let round = 0; round < 2; round++) for (const client of [one, two]) await beat(client);
    for (let round = 0; round < 2; round++)
      for (const client of [one, two]) await beat(client, client === one ? 'a' : 'b');
    for (let round = 0; round < 2; round++) for (const client of [one, two]) await beat(client);
    expect(warnings).toHaveLength(2);
  });

  it('are warned of so many times a minute', async () => {
    const [one, two] = (await clients(2)) as [TestClient, TestClient];
    for (let id = 0; id < 30; id++) {
      for (let round = 0; round < 2; round++) for (const client of [one, two]) await beat(client, `app@${id}`);
    }
    expect(warnings).toHaveLength(10);
  });
});
