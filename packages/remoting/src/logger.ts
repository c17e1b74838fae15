// Defines what a logger is: the part of Nest's LoggerService that these packages need.

/** Where log lines go. Nest's `Logger` is one, and so is `console`. */
export interface Logger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  debug?(message: string): void;
}

/** Logs nothing. */
export const silentLogger: Logger = { log() {}, warn() {}, error() {} };

const LONGEST_SHOWN = 256;

/** Text from the network as it may stand in a log line or a remark: no control characters, at most 256 characters. */
export function printable(text: string): string {
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  // eslint-disable-next-line no-control-regex
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?');
}
