// Declares the requests by which clients join and leave a broker.
import { maybe, text } from './field.js';
import { request } from './request.js';
import { viaRpc } from './common.js';

export const membershipRequests = {
  HEART_BEAT: request(34, 'HEART_BEAT', ['broker'], { ...viaRpc }),
  UNREGISTER_CLIENT: request(35, 'UNREGISTER_CLIENT', ['broker'], {
    clientID: text(),
    producerGroup: maybe(text()),
    consumerGroup: maybe(text()),
    ...viaRpc,
  }),
  CHECK_CLIENT_CONFIG: request(46, 'CHECK_CLIENT_CONFIG', ['broker']),
};
