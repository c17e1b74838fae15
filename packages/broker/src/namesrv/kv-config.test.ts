import { expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import type { ConfigFile } from '../metadata/config-file.js';
import { KVConfig } from './kv-config.js';

it('keeps no namespace without entries, in memory or in its file', async () => {
  let content: unknown;
  const file = { save: (value: unknown) => Promise.resolve(void (content = value)) } as unknown as ConfigFile;
  const kv = new KVConfig({ file, saved: undefined, logger: silentLogger, maxKVConfigs: 2 });
  for (let i = 0; i < 5; i++) {
    await kv.put(`namespace-${i}`, 'key', 'value');
    await kv.delete(`namespace-${i}`, 'key');
    expect(kv.list(`namespace-${i}`)).toBeUndefined();
  }
  await kv.put('kept', 'key', 'value');
  expect(content).toEqual({ configTable: { kept: { key: 'value' } } });
});
