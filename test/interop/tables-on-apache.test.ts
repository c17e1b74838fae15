// Runs the rows of Apache's own test suite with our client on Apache 5.5.0; test/e2e has the same on our broker.
import { describe, jest } from '@jest/globals';
import { ROCKETMQ_5 } from './harness/versions.js';
import { describeTables } from './versions/tables.js';

jest.setTimeout(300_000);

describe("on Apache's own name server and broker 5.5.0", () => describeTables(ROCKETMQ_5));
