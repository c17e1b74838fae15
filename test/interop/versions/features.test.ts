// Tests from which version on Apache's broker has which feature, as packages/client/README.md says.
import { afterAll, describe, jest, test } from '@jest/globals';
import { declaredPeer } from '../client/peer.js';
import { startApache } from '../harness/apache.js';
import { cleanUp } from '../harness/clean-up.js';
import { versionsToTest } from '../harness/versions.js';
import { declareFeatureTests } from './features.js';

jest.setTimeout(180_000);

const versions = versionsToTest();
if (versions.length === 0) test.skip('no version is asked for: set INTEROP_LONG=1 or APACHE_VERSIONS', () => undefined);

for (const version of versions) {
  describe(`Apache ${version}`, () => {
    const peer = declaredPeer('features', () => startApache({ version, settings: { enablePropertyFilter: 'true' } }));
    afterAll(cleanUp);
    declareFeatureTests(peer, version);
  });
}
