// Declares the injection tokens of the outbox. Global symbols, so that both module formats share them.

/** The token of the options as given. Override it in a test to give another database. */
export const ROCKETMQ_OUTBOX_OPTIONS = Symbol.for('nest-rocketmq:outbox-options');

/** The token of the checked options. */
export const OUTBOX_OPTIONS = Symbol.for('nest-rocketmq:outbox-checked-options');
