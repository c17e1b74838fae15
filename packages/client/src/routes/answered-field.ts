// Reads a field that an answer must have. A default in its place would be a wrong offset: messages would be skipped or repeated.
import { HeaderError, expectSuccess } from '@nest-rocketmq/remoting/internal';
import type { Reply } from '@nest-rocketmq/remoting/internal';

/** @throws ResponseError for another code than SUCCESS, HeaderError where the field is missing */
export function answeredField<Row, Name extends keyof Reply<Row>['header']>(
  reply: Reply<Row>,
  name: Name,
  address: string,
): NonNullable<Reply<Row>['header'][Name]> {
  expectSuccess(reply, address);
  const value = reply.header[name];
  if (value === undefined || value === null) {
    throw new HeaderError(`${address} answered ${reply.row.name} without the field ${String(name)}`);
  }
  return value;
}
