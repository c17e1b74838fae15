// Calls a function of the application whose failure must not disturb what calls it.

/** @param failed is told what it has thrown, or rejected with if it is an async function */
export function callBack(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    Promise.resolve(call()).catch(failed);
  } catch (error) {
    failed(error);
  }
}
