// Notes which requests a client sends to which address, by reading its own side of the connections.
import { FrameDecoder, decodeFrame, dialTcp } from '@nest-rocketmq/remoting/internal';
import type { Dial, RequestRow } from '@nest-rocketmq/remoting/internal';

export interface SentRequest {
  readonly address: string;
  readonly code: number;
  /** ms epoch */
  readonly at: number;
  readonly fields: Readonly<Record<string, string>>;
}

export class RequestLog {
  readonly requests: SentRequest[] = [];

  /** For the client's option of this name. */
  readonly dial: Dial = async (address) => {
    const stream = await dialTcp(address);
    const read = this.reader(address);
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = ((chunk: Buffer, ...rest: unknown[]) => {
      read(Buffer.from(chunk));
      return write(chunk, ...rest);
    }) as typeof stream.write;
    return stream;
  };

  /** Reads what a client writes on one connection to the address, chunk by chunk. */
  reader(address: string): (chunk: Buffer) => void {
    const decoder = new FrameDecoder();
    return (chunk) =>
      decoder.push(chunk, (frame) => {
        const { code, flag, extFields } = decodeFrame(frame);
        if ((flag & 1) === 0) this.requests.push({ address, code, at: Date.now(), fields: { ...extFields } });
        return true;
      });
  }

  /** Those of this kind that went to the address since then. */
  to(address: string, { code }: RequestRow, since = 0): SentRequest[] {
    return this.requests.filter((one) => one.address === address && one.code === code && one.at >= since);
  }
}
