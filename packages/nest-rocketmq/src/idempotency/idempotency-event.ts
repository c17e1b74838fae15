// Describes what happens to keys, for metrics and logs.

/** What happened to a key: an element of `RocketMQIdempotency.events`. */
export interface IdempotencyEvent {
  /**
   * 'claimed': its work begins. 'completed' and 'failed': how the work ended. 'duplicate': it was done before. 'inProgress':
   * somebody is at it, so this delivery comes again later. 'leaseLost': its lease ended while the work went on. 'storeFailed':
   * the store did not answer.
   */
  readonly kind: 'claimed' | 'completed' | 'failed' | 'duplicate' | 'inProgress' | 'leaseLost' | 'storeFailed';
  readonly scope: string;
  readonly key: string;
  /** How long the store took to claim it: ms. Set where a claim was asked for. */
  readonly took?: number;
  /** What the store failed with. */
  readonly error?: unknown;
}
