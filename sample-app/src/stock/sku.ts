// Checks a product's key. PostgreSQL refuses a NUL in a text, and replaces half a surrogate pair.
import { applyDecorators } from '@nestjs/common';
import { IsString, Length, Matches } from 'class-validator';

const LONGEST = 100;

/** Neither control characters nor lone surrogates, which are half of a character. */
const TEXT = /^[^\p{Cc}\p{Cs}]*$/u;

export function IsSku(): PropertyDecorator {
  return applyDecorators(
    IsString(),
    Length(1, LONGEST),
    Matches(TEXT, { message: '$property must be a text without control characters' }),
  );
}

export class SkuParam {
  @IsSku()
  sku!: string;
}
