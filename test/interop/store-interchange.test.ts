// Opens a directory that one broker wrote with the other, which serves everything in it.
import { afterEach, describe, jest, test } from '@jest/globals';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import { startOurBroker } from './harness/our-broker.js';
import { ROCKETMQ_5 } from './harness/versions.js';
import { type StartOnStore, moveStore } from './versions/move-store.js';

// Two starts, a clean stop of Apache's, and a JVM for each scenario.
jest.setTimeout(400_000);
afterEach(cleanUp);

const apache: [string, StartOnStore] = ["Apache's", startApache];
const ours: [string, StartOnStore] = ['our', startOurBroker];

describe.each([
  { writer: ours, reader: apache, ends: ['stop', 'kill'] as const },
  { writer: apache, reader: ours, ends: ['stop', 'kill'] as const },
  // The control: what is expected of a change of brokers is what Apache's broker does on its own directory.
  { writer: apache, reader: apache, ends: ['kill'] as const },
])('what $writer.0 broker wrote, $reader.0 broker serves', ({ writer, reader, ends }) => {
  test.each(ends)('after a %s', (end) => moveStore(ROCKETMQ_5, writer[1], reader[1], end));
});
