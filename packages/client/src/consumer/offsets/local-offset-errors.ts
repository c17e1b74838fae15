// Declares the errors of broadcasting consumers, which keep their offsets on this machine.
import { MQClientError } from '../../client-error.js';
import { describe } from '../../errors.js';

/** A broadcasting consumer cannot keep its offsets in its folder: this process may not write there, for example. It does not start. */
export class LocalOffsetStoreError extends MQClientError<'LOCAL_OFFSET_STORE'> {
  constructor(
    readonly group: string,
    readonly folder: string,
    options: { cause: unknown },
  ) {
    super(
      'LOCAL_OFFSET_STORE',
      `the offsets of broadcasting group ${group} cannot be kept in ${folder}: ${describe(options.cause)}. Set ` +
        "localOffsetStoreDir to a folder that this process may write; or to 'memory', and the group begins by " +
        'consumeFromWhere at each start.',
      options,
    );
  }
}

/** Too many consumers of one broadcasting group keep their offsets in one folder. */
export class TooManyConsumersError extends MQClientError<'TOO_MANY_CONSUMERS'> {
  constructor(
    readonly group: string,
    readonly folder: string,
    readonly limit: number,
  ) {
    super(
      'TOO_MANY_CONSUMERS',
      `${limit} consumers of group ${group} keep their offsets in ${folder} already. ` +
        'Set localOffsetStoreDir to another folder, or shut consumers down.',
    );
  }
}
