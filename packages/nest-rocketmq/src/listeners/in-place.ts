// Tries a failed message again at once, in this process, as often as the option `inPlace` says.
import { failureSaid } from '../pipeline/listener-outcome.js';
import type { Failure } from '../pipeline/listener-outcome.js';
import type { RetryPolicy } from './retry-policy.js';

/** @param first what was thrown @param again calls the listener @param context whose signal ends the tries */
export async function tryInPlace(
  policy: RetryPolicy,
  first: unknown,
  again: () => Promise<unknown>,
  context: { readonly signal: AbortSignal },
): Promise<Failure> {
  let failure: Failure = { error: first };
  for (let left = policy.inPlace; failure && left > 0 && !context.signal.aborted; left--) {
    if (!policy.isRetryable(failure.error)) break;
    try {
      failure = failureSaid(await again());
    } catch (error) {
      failure = { error };
    }
  }
  return failure;
}
