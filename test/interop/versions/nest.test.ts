// Runs the Nest end-to-end suite on each version of Apache's broker.
import { afterEach, jest, test } from '@jest/globals';
import { DEFAULT_MESSAGE_DELAY_LEVEL } from '@nest-rocketmq/remoting/internal';
import { startApache } from '../harness/apache.js';
import { cleanUp } from '../harness/clean-up.js';
import { versionsToTest } from '../harness/versions.js';
import { passNestSuite } from './nest-suite.js';

jest.setTimeout(2_400_000);
afterEach(cleanUp);

const versions = versionsToTest();
if (versions.length === 0) test.skip('no version is asked for: set INTEROP_LONG=1 or APACHE_VERSIONS', () => undefined);

for (const version of versions) {
  test(`the Nest end-to-end suite passes on Apache ${version}`, async () => {
    const settings = { messageDelayLevel: DEFAULT_MESSAGE_DELAY_LEVEL, enablePropertyFilter: 'true' };
    const passed = await passNestSuite(await startApache({ version, settings }), version);
    process.stdout.write(`the Nest end-to-end suite on Apache ${version}: ${passed} passed\n`);
  });
}
