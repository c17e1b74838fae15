// Exports remoting's timers to this package.
export { Repeating, sharedAbortController, sleep, within } from '@nest-rocketmq/remoting/internal';
