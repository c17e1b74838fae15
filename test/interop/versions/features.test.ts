// Tests from which version on Apache's broker has which feature, as packages/client/README.md says.
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declaredPeer } from '../client/peer.js';
import { startApache } from '../harness/apache.js';
import { cleanUp } from '../harness/clean-up.js';
import { repositoryRoot } from '../harness/paths.js';
import { ALL, POP_FEATURES, SINCE, versionsToTest } from '../harness/versions.js';
import { declareFeatureTests } from './features.js';

jest.setTimeout(180_000);

const versions = versionsToTest(['4.5.2', '4.9.0', ...ALL]);
if (versions.length === 0) test.skip('no version is asked for: set INTEROP_LONG=1 or APACHE_VERSIONS', () => undefined);

test("the client's README names the first version of each feature", () => {
  const readme = readFileSync(join(repositoryRoot, 'packages/client/README.md'), 'utf8');
  const ofPop: readonly string[] = POP_FEATURES;
  for (const [feature, first] of Object.entries(SINCE).filter(([each]) => !ofPop.includes(each)))
    expect(readme).toContain(`| ${feature} | ${first} |`);
});

for (const version of versions) {
  describe(`Apache ${version}`, () => {
    const peer = declaredPeer('features', () => startApache({ version, settings: { enablePropertyFilter: 'true' } }));
    afterAll(cleanUp);
    declareFeatureTests(peer, version);
  });
}
