// Tests our client on each version of Apache's broker: its own scenarios, and the rows of Apache's test suite.
import { afterAll, beforeAll, describe, jest, test } from '@jest/globals';
import { describeOurClient } from '../client/scenarios.js';
import { startApache } from '../harness/apache.js';
import { cleanUp } from '../harness/clean-up.js';
import type { Cluster } from '../harness/cluster.js';
import { isBefore, versionsToTest } from '../harness/versions.js';
import { describeBefore5 } from './before-5.js';
import { describeTables } from './tables.js';

jest.setTimeout(180_000);

const versions = versionsToTest();
if (versions.length === 0) test.skip('no version is asked for: set INTEROP_LONG=1 or APACHE_VERSIONS', () => undefined);

for (const version of versions) {
  describe(`on Apache ${version}`, () => {
    describe('scenarios', () => {
      let cluster: Cluster;
      beforeAll(async () => {
        cluster = await startApache({ version });
      });
      afterAll(cleanUp);
      describeOurClient(() => cluster, { version, offsetMayGoBack: true });
    });
    describe('tables', () => describeTables(version));
    if (isBefore(version, '5.0.0')) describe('delays by level', () => describeBefore5(version));
  });
}
