// Owns the shape of a request for an order, and what of it is refused.
import { IsInt, Max, Min } from 'class-validator';
import { IsSku } from '../stock/sku.js';

const MOST_OF_ONE = 1000;

export class CreateOrderDto {
  @IsSku()
  sku!: string;

  @IsInt()
  @Min(1)
  @Max(MOST_OF_ONE)
  quantity!: number;
}
