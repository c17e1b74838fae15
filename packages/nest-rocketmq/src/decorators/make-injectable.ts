// Owns making a decorated class a provider that Nest can construct.
import { Injectable } from '@nestjs/common';

// Nest keeps what @Injectable was given under this key; a second @Injectable() would wipe out a scope given by the first.
const SCOPE_OPTIONS_METADATA = 'scope:options';

export function makeInjectable(target: object): void {
  if (!Reflect.hasOwnMetadata(SCOPE_OPTIONS_METADATA, target)) Injectable()(target as abstract new () => unknown);
}
