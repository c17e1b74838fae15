// Defines the errors of the store.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';

export type StoreErrorCode =
  | 'STORE_LOCKED'
  | 'STORE_OPEN_FAILED'
  | 'STORE_UNWRITABLE'
  | 'STORE_CLOSED'
  | 'STORE_WRITE_FAILED'
  | 'STORE_FLUSH_FAILED'
  | 'STORE_LAYOUT'
  | 'CONFIG_FILE_UNREADABLE';

/** The store cannot be opened, read or written: `code` and the message say why, and what to do. */
export class StoreError<Code extends StoreErrorCode = StoreErrorCode> extends RocketMQError<Code> {
  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
  }
}

/** Another living process has the store open. */
export class StoreLockedError extends StoreError<'STORE_LOCKED'> {
  constructor(
    /** The process that holds it, if known. */
    readonly pid: number | undefined,
    /** The store's folder. */
    readonly path: string,
  ) {
    super(
      'STORE_LOCKED',
      `the store ${path} is in use by ${pid === undefined ? 'another process' : `process ${pid}`}. Stop that process, or choose another folder.`,
    );
  }
}

/** The system's error code (`ENOSPC`, `EIO`, …) of a failed file operation, if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Whether a folder stands where a file is expected, or the disk cannot be read there. */
export const isUnreadable = (error: unknown): boolean => ['EISDIR', 'EIO'].includes(systemCode(error) ?? '');

/** What Node throws if a file is missing or in the way. */
export function fileError(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}
