// Signs requests as Apache's ACL wants them.
import { createHmac } from 'node:crypto';
import type { RemotingCommand } from './command.js';

/** The keys with which requests are signed, for a cluster with access control (Apache's ACL 1.0 and 2.0). */
export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Sent with the signature where the keys are temporary. Default: none. */
  readonly securityToken?: string;
}

/**
 * Adds AccessKey, SecurityToken and Signature. The signature covers the values of all fields, in the order of their
 * names, and the body. Nothing may add fields after it.
 */
export function signer(credentials: Credentials): (command: RemotingCommand) => void {
  return (command) => {
    const { extFields } = command;
    extFields['AccessKey'] = credentials.accessKey;
    if (credentials.securityToken) extFields['SecurityToken'] = credentials.securityToken;
    const hmac = createHmac('sha1', credentials.secretKey);
    for (const name of Object.keys(extFields).toSorted()) if (name !== 'Signature') hmac.update(extFields[name] ?? '');
    hmac.update(command.body);
    extFields['Signature'] = hmac.digest('base64');
  };
}
