// Opens connections on which requests of a kind are refused while a test wants it, whoever's broker is at the other end.
import type { Duplex } from 'node:stream';
import {
  FrameDecoder,
  NO_BODY,
  RESPONSE_FLAG,
  ResponseCode,
  decodeFrame,
  duplexPair,
  encodeFrame,
} from '@nest-rocketmq/remoting/internal';
import type { Dial } from '@nest-rocketmq/remoting/internal';

export class RefusingDial {
  refusing = true;
  /** How many requests were refused. */
  refused = 0;

  /** @param code of the requests that are refused with SYSTEM_ERROR */
  constructor(
    private readonly inner: Dial,
    private readonly code: number,
  ) {}

  readonly dial: Dial = async (address) => {
    const broker = await this.inner(address);
    const [client, inside] = duplexPair();
    const decoder = new FrameDecoder();
    inside.on('data', (chunk: Buffer) => {
      decoder.push(chunk, (frame) => {
        const refusal = this.#refusalOf(frame);
        (refusal ? inside : broker).write(refusal ?? frame);
        return true;
      });
    });
    broker.on('data', (chunk: Buffer) => inside.write(chunk));
    endTogether(broker, inside);
    return client;
  };

  #refusalOf(frame: Buffer): Buffer | undefined {
    if (!this.refusing) return undefined;
    const command = decodeFrame(frame);
    if (command.code !== this.code) return undefined;
    this.refused++;
    const { SYSTEM_ERROR: code } = ResponseCode;
    return encodeFrame({ ...command, code, flag: RESPONSE_FLAG, remark: 'refused by the test', body: NO_BODY });
  }
}

function endTogether(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('close', () => to.destroy());
    from.on('error', () => to.destroy());
  }
}
