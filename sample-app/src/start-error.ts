// Declares the error of a start that the user can fix.

/** Its message is one line that begins with the environment variable to look at. */
export class StartError extends Error {
  constructor(variable: string, problem: string, options?: { cause?: unknown }) {
    super(`${variable}: ${problem}`, options);
  }
}

/** One line about what was thrown, of whatever kind it is. */
export function reasonOf(error: unknown): string {
  // Node tries each address of a host, and says of all of them together nothing.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').trim() || 'no reason was given';
}
