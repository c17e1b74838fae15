// Orders the test files: the longest first, so that none of them runs alone at the end. Jest itself knows how long a file
// takes only from an earlier run, and a fresh clone has none.
import TestSequencer from '@jest/test-sequencer';

/** The longest, in the order of their length. */
const LONGEST = [
  'interop/nest-suite-on-apache',
  'interop/orderly-groups',
  'interop/timers/timer-interchange',
  'interop/nest-suite',
  'interop/store-interchange',
  'interop/sharing',
  'interop/tables-on-apache',
  'interop/java-on-apache',
  'interop/java-on-our-broker',
  'sample-app/src/app.test',
  'crash/hostile-input',
  'e2e/backend-contract',
  'e2e/outbox.test',
  'e2e/embedded-backend',
  'crash/crash-points',
  'outbox/relay.test',
  'crash/slow-disk',
  'crash/simulate',
  'e2e/tables',
  'e2e/broker-command',
];

const rank = ({ path }) => {
  const index = LONGEST.findIndex((part) => path.replaceAll('\\', '/').includes(part));
  return index < 0 ? LONGEST.length : index;
};

export default class LongestFirst extends TestSequencer {
  /** The others keep jest's own order. */
  sort(tests) {
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
}
