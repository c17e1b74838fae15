// Loads both module formats, as an app of ES modules does that has a library in CommonJS, and says what each knows of the other's.
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { Outcome, TopicNotFoundError } from '@nest-rocketmq/client';
import { InvalidListenerError, RocketMQContext } from 'nest-rocketmq';

const require = createRequire(import.meta.url);
const client = require('@nest-rocketmq/client');
const nest = require('nest-rocketmq');

const rows = {
  'two copies': client.Outcome !== Outcome && nest.RocketMQContext !== RocketMQContext,
  outcomes: Outcome.is(client.Outcome.untried) && client.Outcome.untried.isUntried,
  errors: new client.TopicNotFoundError('t', []) instanceof TopicNotFoundError,
  'errors of nest-rocketmq': new nest.InvalidListenerError('a', 'b') instanceof InvalidListenerError,
  'other errors': !(new client.TopicNotFoundError('t', []) instanceof InvalidListenerError),
  contexts: nest.RocketMQContext.of({ properties: new Map() }, 'g') instanceof RocketMQContext,
};
const failed = Object.keys(rows).filter((what) => !rows[what]);
// oxlint-disable-next-line no-console -- a program of its own
console.log(failed.join(', ') || 'all hold');
