// Serves the stock over HTTP.
import { Controller, Get, NotFoundException, Param, UsePipes } from '@nestjs/common';
import { Database } from '../database/database.js';
import { RequestValidation } from '../validation.js';
import { SkuParam } from './sku.js';
import { StockRepository } from './stock.repository.js';
import type { Product } from './stock.repository.js';

@UsePipes(RequestValidation)
@Controller('stock')
export class StockController {
  constructor(
    private readonly database: Database,
    private readonly stock: StockRepository,
  ) {}

  @Get(':sku')
  async get(@Param() { sku }: SkuParam): Promise<Product> {
    const product = await this.stock.find(this.database, sku);
    if (!product) throw new NotFoundException(`There is no product '${sku}'.`);
    return product;
  }
}
