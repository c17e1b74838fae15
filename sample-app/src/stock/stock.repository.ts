// Reads and writes the products and their quantities in SQL.
import { Injectable } from '@nestjs/common';
import type { Queryable } from '../database/database.js';

export interface Product {
  sku: string;
  name: string;
  stock: number;
}

@Injectable()
export class StockRepository {
  async find(database: Queryable, sku: string): Promise<Product | undefined> {
    const [product] = await database.query<Product>('SELECT sku, name, stock FROM products WHERE sku = $1', [sku]);
    return product;
  }

  /** False if there is not enough. */
  async take(transaction: Queryable, sku: string, quantity: number): Promise<boolean> {
    const rows = await transaction.query(
      'UPDATE products SET stock = stock - $2 WHERE sku = $1 AND stock >= $2 RETURNING sku',
      [sku, quantity],
    );
    return rows.length > 0;
  }

  async giveBack(transaction: Queryable, sku: string, quantity: number): Promise<void> {
    await transaction.query('UPDATE products SET stock = stock + $2 WHERE sku = $1', [sku, quantity]);
  }
}
