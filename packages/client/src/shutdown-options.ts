// Declares the options of a shutdown.

/** How long a shutdown waits for what is under way. */
export interface ShutdownOptions {
  /** ms */
  deadline?: number;
  /** An abort ends the wait at once. */
  signal?: AbortSignal;
}

/** Options of `PushConsumer.shutdown`. */
export interface ConsumerShutdownOptions extends ShutdownOptions {
  /**
   * Called with the number of listener calls that outlast the shutdown, and whose messages are delivered again. Default: a
   * warning in the log.
   */
  onAbandoned?: (calls: number) => void;
}
