// Reads the id of an order from a path.
import { Injectable, ParseUUIDPipe } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';

/** In small letters, as PostgreSQL answers it: the id is the sharding key of events, which is compared as text. */
@Injectable()
export class OrderIdPipe implements PipeTransform<string, Promise<string>> {
  private readonly uuid = new ParseUUIDPipe();

  async transform(value: string, metadata: ArgumentMetadata): Promise<string> {
    await this.uuid.transform(value, metadata);
    return value.toLowerCase();
  }
}
