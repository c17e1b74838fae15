import { availableParallelism } from 'node:os';

const swc = [
  '@swc/jest',
  {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  },
];

const shared = {
  rootDir: import.meta.dirname,
  extensionsToTreatAsEsm: ['.ts'],
  testEnvironment: '<rootDir>/test/node-environment.mjs',
  transform: { '^.+\\.ts$': swc },
  // The tests read the packages' sources, so that they need no build and cannot pass on a stale one.
  moduleNameMapper: {
    '^@nest-rocketmq/(remoting|client|broker)$': '<rootDir>/packages/$1/src/index.ts',
    '^@nest-rocketmq/(remoting|broker)/internal$': '<rootDir>/packages/$1/src/internal.ts',
    // The broker's errors alone, so that an app on a cluster does not load the broker.
    '^@nest-rocketmq/broker/errors$': '<rootDir>/packages/broker/src/store/errors.ts',
    '^nest-rocketmq$': '<rootDir>/packages/nest-rocketmq/src/index.ts',
    '^nest-rocketmq/(testing|idempotency|opentelemetry|terminus|microservices|cqrs|outbox)$': '<rootDir>/packages/nest-rocketmq/src/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['/dist/', '/.cache/'],
};

export default {
  // Whatever a test's own limits are, none ends because the machine is slow or busy.
  testTimeout: 300_000,
  // Jest would leave one core idle. Tests of processes and sockets wait now and then: another worker uses that time.
  maxWorkers: availableParallelism() + 1,
  // A worker with a large heap may take longer than jest's half a second to end.
  workerGracefulExitTimeout: 5_000,
  testSequencer: '<rootDir>/test/longest-first.mjs',
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/packages/**/*.test.ts', '<rootDir>/sample-app/src/**/*.test.ts'],
    },
    { ...shared, displayName: 'e2e', testMatch: ['<rootDir>/test/{architecture,e2e,crash,orderly,faults}/**/*.test.ts'] },
    { ...shared, displayName: 'interop', testMatch: ['<rootDir>/test/interop/**/*.test.ts'] },
  ],
};
