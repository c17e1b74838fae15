// Makes a decorated class a provider that Nest can construct.
import { Injectable } from '@nestjs/common';
import { SCOPE_OPTIONS_METADATA } from '../nest/nest-metadata.js';

export function makeInjectable(target: object): void {
  // A second @Injectable() would overwrite the scope that the first one set.
  if (!Reflect.hasOwnMetadata(SCOPE_OPTIONS_METADATA, target)) Injectable()(target as abstract new () => unknown);
}
