import { describe, expect, it } from '@jest/globals';
import { notStored } from './send-checks.js';
import type { PutStatus } from '../store/store.js';

/** Apache's codes: SYSTEM_ERROR 1, SYSTEM_BUSY 2, MESSAGE_ILLEGAL 13, SERVICE_NOT_AVAILABLE 14. */
const CODES: [Exclude<PutStatus, 'PUT_OK'>, number, RegExp][] = [
  ['MESSAGE_ILLEGAL', 13, /msg body length limit maxMessageSize/],
  ['PROPERTIES_SIZE_EXCEEDED', 13, /properties length limit 32k/],
  ['WHEEL_TIMER_MSG_ILLEGAL', 13, /timerMaxDelaySec=3/],
  ['WHEEL_TIMER_FLOW_CONTROL', 1, /maxPendingTimers=7/],
  ['RECALL_FLOW_CONTROL', 2, /maxPendingRecalls=9/],
  ['WHEEL_TIMER_NOT_ENABLE', 1, /timerWheelEnable is false/],
  ['SERVICE_NOT_AVAILABLE', 14, /service not available now/],
  ['OS_PAGE_CACHE_BUSY', 2, /broker busy, start flow control for a while/],
];

describe('T046: a message that the store does not take', () => {
  it.each(CODES)('because of %s is answered with code %i', (status, code, remark) => {
    const refusal = notStored(status, { timerMaxDelaySec: 3, maxPendingTimers: 7, maxPendingRecalls: 9 });
    expect(refusal.code).toBe(code);
    expect(refusal.remark).toMatch(remark);
  });
});
