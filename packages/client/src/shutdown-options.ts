// Declares the options of a shutdown.

/** How long a shutdown waits for what is under way. */
export interface ShutdownOptions {
  /** ms */
  deadline?: number;
  /** An abort ends the wait at once. */
  signal?: AbortSignal;
}
