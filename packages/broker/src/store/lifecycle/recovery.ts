// Makes the parts agree when a store is opened: where the log ends, which consume queues are not what the log says. The
// log is the truth; the rest is derived from it.
import { StoreError } from '../errors.js';
import type { Checkpoint } from './checkpoint.js';
import { LogScan } from '../commitlog/log-scan.js';
import { RecoveryPass } from './recovery-pass.js';
import type { Recovered, RecoveryOptions } from './recovery-pass.js';
export type { LostRange, Recovered, RecoveryOptions } from './recovery-pass.js';

export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { log, queues, checkpoint, saved, aborted, largestRecord, checkCrc } = options;
  const position = saved?.position ?? 0;
  const pass = new RecoveryPass(options);
  const scan = new LogScan(log, checkCrc, largestRecord, () => pass.pause());
  const { logicsPhysicalOffset, cleanEnd, whole } = checkpoint;
  if (!aborted && cleanEnd > 0) scan.knownEnd = cleanEnd;
  scan.reached = Math.max(position, whole && aborted ? logicsPhysicalOffset : cleanEnd);
  await pass.prepare();
  const from = Math.max(log.first, Math.min(log.end, await pass.begin(scan)));
  await lower(checkpoint, from);
  let end = log.starts.length === 0 ? 0 : await scan.walk(from, pass);
  if (end > log.end) {
    const message = `the log in ${log.directory} ends at ${end}, behind its last file. Bring back the files that are missing.`;
    throw new StoreError('STORE_LAYOUT', message);
  }
  if (log.starts.length > 0 && (aborted || end !== checkpoint.cleanEnd)) await scan.clearBehind(end);
  if (end < position) {
    pass.corrupt({ from: end, to: position });
    // In a file of its own: what is behind a hole within a file would not be found again.
    end = Math.ceil(position / log.fileSize) * log.fileSize;
  }
  await pass.finish();
  const lost = await pass.lost();
  await queues.trim(log.starts.length > 0 ? log.first : end);
  await queues.removeGone();
  return pass.result(end, lost);
}

/** What the queues have from there on may be changed now: a crash before the next checkpoint must not trust it. */
async function lower(checkpoint: Checkpoint, position: number): Promise<void> {
  if (position >= checkpoint.logicsPhysicalOffset) return;
  checkpoint.logicsPhysicalOffset = position;
  await checkpoint.save();
}
