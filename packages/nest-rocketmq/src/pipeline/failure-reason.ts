// Describes a failure for the log: what was thrown, which constraints were violated, and where.
const MAX_REASON_LENGTH = 1000;

/** @param withStack true on the first delivery; redeliveries would only repeat the stack */
export function reasonOf(error: unknown, withStack: boolean): string {
  if (!(error instanceof Error)) return shortened(describe(error));
  const reason = shortened(`${error.name}: ${[error.message, ...detailsOf(error)].filter(Boolean).join(': ')}`);
  const frames = withStack ? framesOf(error.stack) : '';
  return frames === '' ? reason : `${reason}\n${frames}`;
}

/** The message of a ValidationPipe's BadRequestException is only "Bad Request"; the constraints are in its response. */
function detailsOf(error: Error): string[] {
  const { getResponse } = error as { getResponse?: unknown };
  if (typeof getResponse !== 'function') return [];
  const response: unknown = (getResponse as () => unknown).call(error);
  const message =
    typeof response === 'object' && response !== null && 'message' in response ? response.message : response;
  const details = [message].flat().map(describe);
  return details.length === 1 && details[0] === error.message ? [] : [details.join('; ')];
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return Object.prototype.toString.call(value); // circular
  }
}

function framesOf(stack: string | undefined): string {
  const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  return frames.join('\n');
}

function shortened(text: string): string {
  return text.length > MAX_REASON_LENGTH ? `${text.slice(0, MAX_REASON_LENGTH)}… (${text.length} characters)` : text;
}
