// Defines and validates the request that creates an order.
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
