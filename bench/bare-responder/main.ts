// Serves the least that any broker in Node must do for a send: finds frames, appends them to a file and answers. It is the
// limit of the throughput on this machine.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { FrameDecoder, Requests } from '@nest-rocketmq/remoting/internal';
import { LogFile } from './log-file.js';
import { otherAnswer } from './other-answer.js';
import { ANSWER_ROOM, codeOf, writeAnswer } from './send-answer.js';

const log = new LogFile(process.argv[2]!);
const SEND = Requests.SEND_MESSAGE_V2.code;

function serve(socket: Socket, address: string): void {
  const decoder = new FrameDecoder();
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    // An answer is shorter than its send; the first send of a chunk may have begun in an earlier one.
    const answers = Buffer.allocUnsafe(chunk.length + ANSWER_ROOM);
    let end = 0;
    decoder.push(chunk, (frame) => {
      if (codeOf(frame, 0) === SEND) end = writeAnswer(frame, 0, answers, end);
      else socket.write(otherAnswer(frame, address));
      return true;
    });
    if (end === 0) return;
    log.append(chunk);
    socket.write(answers.subarray(0, end));
  });
}

const server = createServer({ noDelay: true }, (socket) => serve(socket, address()));
const address = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready ${address()}\n`));
process.on('SIGTERM', () => process.exit());
