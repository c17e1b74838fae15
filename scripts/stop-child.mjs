// Passes signals on to a child process, and ends this process in the way in which its child has ended.

/** How often to look whether npm's shell is still there. ms */
const LOOK_MS = 500;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/**
 * npm runs a script in a shell, and a signal to npm ends that shell, which passes it on to nobody: its child then has another
 * parent.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => boolean} ends it, and says whether the child was told to end
 */
export function passSignalsTo(child) {
  let isStopped = false;
  const stop = (signal) => {
    isStopped = true;
    child.kill(signal);
  };
  const parent = process.ppid;
  // Without npm, whoever started this may leave it running on purpose.
  const isNpm = process.env.npm_lifecycle_event !== undefined;
  const looking = isNpm && setInterval(() => process.ppid !== parent && !isStopped && stop('SIGTERM'), LOOK_MS);
  for (const signal of SIGNALS) process.on(signal, stop);
  return () => {
    clearInterval(looking);
    for (const signal of SIGNALS) process.off(signal, stop);
    return isStopped;
  };
}

/** Ends this process with the exit code or the signal of its child. */
export function endLike({ exitCode, signal }) {
  if (!signal) process.exit(exitCode ?? 1);
  process.kill(process.pid, signal);
}
