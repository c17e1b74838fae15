// Says where an SQL92 expression is wrong, and how.
import { RequestRefusedError, ResponseCode } from '@nest-rocketmq/remoting/internal';

/** JavaCC's columns go from one tab stop to the next. */
const TAB_SIZE = 8;

/** Apache's broker refuses such an expression with the same code. */
export class InvalidFilterError extends RequestRefusedError {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units; a tab goes to the next multiple of 8. */
  readonly column: number;

  /** @param index where the expression is wrong */
  constructor(problem: string, expression: string, index: number) {
    const { line, column } = positionOf(expression, index);
    super(
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      `the SQL92 expression is wrong at line ${line}, column ${column}: ${problem}`,
    );
    this.line = line;
    this.column = column;
  }
}

function positionOf(expression: string, index: number): { line: number; column: number } {
  let [line, column] = [1, 0];
  for (let at = 0; at <= index; at++) {
    const before = at === 0 ? '' : expression[at - 1];
    if (before === '\n' || (before === '\r' && expression[at] !== '\n')) [line, column] = [line + 1, 0];
    column++;
    if (expression[at] === '\t') column += TAB_SIZE - 1 - ((column - 1) % TAB_SIZE);
  }
  return { line, column };
}
