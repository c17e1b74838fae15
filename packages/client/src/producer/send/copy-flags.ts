// Takes out of a message's flags what does not hold for a copy of it.
import { SysFlag, withTransactionType } from '@nest-rocketmq/remoting/internal';

/** They describe the hosts of the old record. */
const HOST_FLAGS = SysFlag.BORNHOST_V6 | SysFlag.STOREHOST_V6;

/** The sysFlag of a copy, which is no part of a transaction any more. */
export function sysFlagOfCopy(sysFlag: number): number {
  return withTransactionType(sysFlag, SysFlag.TRANSACTION_NOT_TYPE) & ~HOST_FLAGS;
}
