// Declares the error of a start that the user can fix.

/** Its message is one line that begins with the environment variable to look at. */
export class StartError extends Error {
  constructor(variable: string, problem: string, options?: { cause?: unknown }) {
    super(`${variable}: ${problem}`, options);
  }
}

/** One line about a thrown value of any kind. */
export function reasonOf(error: unknown): string {
  // Node tries each address of a host; the error for all of them together has no message.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').trim() || 'no reason was given';
}
