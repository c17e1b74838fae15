// Jest's environment of Node, which disables a test file's async storages when the file ends.
import { AsyncLocalStorage } from 'node:async_hooks';
import NodeEnvironmentModule from 'jest-environment-node';

const NodeEnvironment = NodeEnvironmentModule.TestEnvironment ?? NodeEnvironmentModule;

/** Those that have been run since the last file ended. */
const used = new Set();

// Jest makes one for each file and leaves it enabled. On Node 20 each new promise is given the values of all that are
// enabled, so the later a file ran in its worker, the slower it was.
for (const method of ['run', 'enterWith']) {
  const original = AsyncLocalStorage.prototype[method];
  AsyncLocalStorage.prototype[method] = function (...args) {
    used.add(this);
    return original.apply(this, args);
  };
}

export default class extends NodeEnvironment {
  async teardown() {
    for (const storage of used) storage.disable();
    used.clear();
    await super.teardown();
  }
}
