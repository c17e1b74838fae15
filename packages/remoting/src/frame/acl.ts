// Owns the signature that Apache's ACL asks of a request.
import { createHmac } from 'node:crypto';
import type { RemotingCommand } from './command.js';

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly securityToken?: string;
}

/**
 * Adds AccessKey, SecurityToken and Signature. Signed are the values of all fields, ordered by the fields' names, then
 * the body. Runs last of all that adds fields.
 */
export function signer(credentials: Credentials): (command: RemotingCommand) => void {
  return (command) => {
    const { extFields } = command;
    extFields['AccessKey'] = credentials.accessKey;
    if (credentials.securityToken) extFields['SecurityToken'] = credentials.securityToken;
    const hmac = createHmac('sha1', credentials.secretKey);
    for (const name of Object.keys(extFields).toSorted()) if (name !== 'Signature') hmac.update(extFields[name]!);
    hmac.update(command.body);
    extFields['Signature'] = hmac.digest('base64');
  };
}
