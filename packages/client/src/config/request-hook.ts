// Adds to each request what the client's options ask for: the fields of its namespace, then the signature, which covers them.
import { signer } from '@nest-rocketmq/remoting/internal';
import type { ResolvedClientOptions } from './options.js';

type Hook = ReturnType<typeof signer>;

/** @returns undefined where nothing is to be added */
export function requestHook(
  options: Pick<ResolvedClientOptions, 'accessKey' | 'secretKey' | 'securityToken' | 'namespaceV2'>,
): Hook | undefined {
  const { accessKey, secretKey, securityToken, namespaceV2 } = options;
  const isSigned = accessKey !== undefined && secretKey !== undefined;
  const sign = isSigned ? signer({ accessKey, secretKey, ...(securityToken && { securityToken }) }) : undefined;
  if (namespaceV2 === undefined) return sign;
  return (command) => {
    command.extFields['nsd'] = 'true';
    command.extFields['ns'] = namespaceV2;
    sign?.(command);
  };
}
