// Omits from the app's log what nobody reads: Nest's lines on modules and routes, and its report of a failed start, which
// main.ts prints in one line.
import { ConsoleLogger } from '@nestjs/common';

const LINES_LEFT_OUT: readonly unknown[] = [
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
];
const ERRORS_LEFT_OUT: readonly unknown[] = ['ExceptionHandler', 'NestApplication'];

export class QuietLogger extends ConsoleLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    if (!LINES_LEFT_OUT.includes(rest.at(-1))) super.log(message, ...rest);
  }

  override error(message: unknown, ...rest: unknown[]): void {
    if (!ERRORS_LEFT_OUT.includes(rest.at(-1))) super.error(message, ...rest);
  }
}
