// Tests the Java client of each version on our broker, and the stores that our broker and Apache's of that version move.
import { afterAll, afterEach, beforeAll, describe, jest, test } from '@jest/globals';
import { startApache } from '../harness/apache.js';
import { cleanUp } from '../harness/clean-up.js';
import type { Cluster } from '../harness/cluster.js';
import { startOurBroker } from '../harness/our-broker.js';
import { isBefore, versionsToTest } from '../harness/versions.js';
import { describeJavaClient } from '../java-scenarios.js';
import { type StartOnStore, moveStore } from './move-store.js';

jest.setTimeout(180_000);

// The peer program uses what clients before do not have.
const versions = versionsToTest().filter((version) => !isBefore(version, '4.9.2'));
if (versions.length === 0) test.skip('no version is asked for: set INTEROP_LONG=1 or APACHE_VERSIONS', () => undefined);

for (const version of versions) {
  describe('on our broker', () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await startOurBroker();
    });
    afterAll(cleanUp);
    describeJavaClient(version, () => cluster);
  });

  describe(`a store moves between our broker and Apache ${version}`, () => {
    afterEach(cleanUp);
    const apache: StartOnStore = (options) => startApache({ ...options, version });
    test.each(['stop', 'kill'] as const)('from ours, after a %s', (end) =>
      moveStore(version, startOurBroker, apache, end),
    );
    test.each(['stop', 'kill'] as const)('to ours, after a %s', (end) =>
      moveStore(version, apache, startOurBroker, end),
    );
  });
}
