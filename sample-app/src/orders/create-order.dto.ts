// Owns the shape of a request for an order, and what of it is refused.
import { IsInt, IsNotEmpty, IsString, Max, Min } from 'class-validator';

const MOST_OF_ONE = 1000;

export class CreateOrderDto {
  @IsString()
  @IsNotEmpty()
  sku!: string;

  @IsInt()
  @Min(1)
  @Max(MOST_OF_ONE)
  quantity!: number;
}
