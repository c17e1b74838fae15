// Leaves out of the app's log what nobody reads: Nest's own lines on modules and routes, which say nothing new at the hundredth start,
// and its report of a start that failed, which main.ts gives in one line.
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
