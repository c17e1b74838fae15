// Names the bits of a message's sysFlag.

export const SysFlag = {
  COMPRESSED: 0x1,
  MULTI_TAGS: 0x2,
  TRANSACTION_NOT_TYPE: 0x0,
  TRANSACTION_PREPARED: 0x4,
  TRANSACTION_COMMIT: 0x8,
  TRANSACTION_ROLLBACK: 0xc,
  BORNHOST_V6: 0x10,
  STOREHOST_V6: 0x20,
  NEED_UNWRAP: 0x40,
  INNER_BATCH: 0x80,
  COMPRESSION_LZ4: 0x100,
  COMPRESSION_ZSTD: 0x200,
  COMPRESSION_ZLIB: 0x300,
} as const;

const TRANSACTION_MASK = 0xc;
const COMPRESSION_MASK = 0x700;

export const transactionType = (sysFlag: number): number => sysFlag & TRANSACTION_MASK;
export const withTransactionType = (sysFlag: number, type: number): number => (sysFlag & ~TRANSACTION_MASK) | type;
/** 0 (clients before 5.x, which means zlib) or one of the COMPRESSION_ constants. */
export const compressionType = (sysFlag: number): number => sysFlag & COMPRESSION_MASK;
export const withoutCompression = (sysFlag: number): number => sysFlag & ~(SysFlag.COMPRESSED | COMPRESSION_MASK);
