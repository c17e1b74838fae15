// Kills the children of a test run that are left over. It reads pids on its standard input, and acts when that ends, however
// the run ended, even by kill -9.
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
