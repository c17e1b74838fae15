// Lists every request of the protocol that this project speaks, by Apache's name.
import type { Receiver, ReceiversOf, RequestRow } from './request.js';
import { adminRequests } from './admin.js';
import { callbackRequests } from './callbacks.js';
import { consumeRequests } from './consume.js';
import { membershipRequests } from './membership.js';
import { popRequests } from './pop.js';
import { produceRequests } from './produce.js';
import { routeRequests } from './route.js';
import { transactRequests } from './transact.js';

export const Requests = {
  ...routeRequests,
  ...produceRequests,
  ...consumeRequests,
  ...popRequests,
  ...membershipRequests,
  ...transactRequests,
  ...adminRequests,
  ...callbackRequests,
};

export type RequestName = keyof typeof Requests;

/** The names of the requests that `To` may receive. */
export type RequestsTo<To extends Receiver> = {
  [Name in RequestName]: To extends ReceiversOf<(typeof Requests)[Name]> ? Name : never;
}[RequestName];

const byCode = new Map<number, RequestRow>(
  Object.values(Requests).map((row) => [row.code, row as unknown as RequestRow]),
);

/** The row of a request code, or undefined for one that is not in the table. */
export function requestByCode(code: number): RequestRow | undefined {
  return byCode.get(code);
}
