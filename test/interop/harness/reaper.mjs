// Owns the promise that no child outlives a test run: it is told pids on its standard input and kills those
// still there when that ends, which happens however the run ends, a kill -9 included. Who is started is
// children.ts's affair.
import { createInterface } from 'node:readline';

const pids = new Set();
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const pid = Number(line.slice(1));
    if (line.startsWith('+')) pids.add(pid);
    else pids.delete(pid);
  })
  .on('close', () => {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        // It ended between its last line and now.
        if (error.code !== 'ESRCH') throw error;
      }
    }
  });
