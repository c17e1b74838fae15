// Runs our client and a Nest app on Apache 4.9.7; the other versions before 5.0 run in `versions`.
import { describe, jest } from '@jest/globals';
import { ROCKETMQ_4 } from './harness/versions.js';
import { describeBefore5 } from './versions/before-5.js';

jest.setTimeout(300_000);

describe("on Apache's own name server and broker 4.9.7", () => describeBefore5(ROCKETMQ_4));
