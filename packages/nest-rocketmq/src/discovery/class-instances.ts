// Makes instances of a listener's payload class with class-transformer, which the app has where it uses Nest's ValidationPipe.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { InvalidListenerError } from '../errors.js';
import type { PayloadType } from '../decorators/listener-metadata.js';

const LIBRARY = 'class-transformer';

/** The part of class-transformer that is used. */
interface ClassTransformer {
  plainToInstance(type: PayloadType, plain: unknown): unknown;
}

/** @param name of the listener @throws InvalidListenerError if the app does not have class-transformer */
export function instanceMaker(name: string, type: PayloadType): (plain: unknown) => unknown {
  const { plainToInstance } = load(name, type);
  return (plain) => plainToInstance(type, plain);
}

function load(name: string, type: PayloadType): ClassTransformer {
  try {
    return fromApp();
  } catch (cause) {
    throw new InvalidListenerError(
      name,
      `payload: ${type.name} needs class-transformer, which makes the instances: npm install class-transformer. Or leave it out, ` +
        `and give the class as payloadType to a ValidationPipe, or make instances in a messageConverter.`,
      { cause },
    );
  }
}

/** The app's own, found from the folder where it runs or from its main file: this package does not depend on it. */
function fromApp(): ClassTransformer {
  const main = process.argv[1];
  try {
    return createRequire(join(process.cwd(), 'package.json'))(LIBRARY) as ClassTransformer;
  } catch (cause) {
    if (main === undefined) throw cause;
    return createRequire(main)(LIBRARY) as ClassTransformer;
  }
}
