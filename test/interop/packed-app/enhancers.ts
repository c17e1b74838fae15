// Runs a user's app, compiled outside the repository by packed-apps.test.ts: a guard that denies everything and a filter
// that sees it, bound in each of Nest's ways to a listener on each kind of host. It prints the outcome.
import 'reflect-metadata';
import { Controller, Inject, Injectable, Module, Scope, UseFilters, UseGuards, UsePipes } from '@nestjs/common';
import type { CanActivate, ExceptionFilter, ExecutionContext, PipeTransform, Provider, Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE, LazyModuleLoader, NestFactory, REQUEST } from '@nestjs/core';
import { Payload, RocketMQContext, RocketMQListeners, RocketMQMessageListener, RocketMQTemplate } from 'nest-rocketmq';
import { consumed, failed, rocketMQTesting } from 'nest-rocketmq/testing';

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const seen = { denied: 0, filtered: 0, piped: 0, called: 0 };

@Injectable()
class Needed {
  readonly built = true;
}

@Injectable()
class Deny implements CanActivate {
  constructor(private readonly needed: Needed) {}
  canActivate(context: ExecutionContext): boolean {
    if (this.needed.built && context.getType<string>() === 'rocketmq') seen.denied++;
    return false;
  }
}

@Injectable({ scope: Scope.REQUEST })
class DenyRequest implements CanActivate {
  constructor(@Inject(REQUEST) private readonly request: RocketMQContext) {}
  canActivate(context: ExecutionContext): boolean {
    if (this.request === context.switchToRpc().getContext()) seen.denied++;
    return false;
  }
}

@Injectable()
class Filter implements ExceptionFilter {
  constructor(private readonly needed: Needed) {}
  catch(): string {
    if (this.needed.built) seen.filtered++;
    return 'handled';
  }
}

@Injectable({ scope: Scope.REQUEST })
class Pipe implements PipeTransform {
  transform(value: unknown): unknown {
    seen.piped++;
    return value;
  }
}

let topics: string[] = [];

function host(scope: Scope, bind: (type: Type<object>) => void): Type<object> {
  const topic = `topic-${topics.length}`;
  topics.push(topic);
  @Injectable({ scope })
  class Host {
    @RocketMQMessageListener({ topic })
    take(): void {
      seen.called++;
    }
  }
  bind(Host);
  return Host;
}

type Hosted = { controllers?: Type<object>[]; providers?: Provider[] };
const HOSTS: ((bind: (type: Type<object>) => void) => Hosted)[] = [
  (bind) => {
    const type = host(Scope.DEFAULT, bind);
    Controller()(type);
    return { controllers: [type] };
  },
  (bind) => ({ providers: [host(Scope.DEFAULT, bind)] }),
  (bind) => ({ providers: [host(Scope.REQUEST, bind)] }),
  (bind) => ({ providers: [host(Scope.TRANSIENT, bind)] }),
  (bind) => {
    const type = host(Scope.DEFAULT, bind);
    return { providers: [{ provide: `factory of ${topics.length}`, useFactory: () => new type() }] };
  },
  (bind) => ({ providers: [{ provide: `value of ${topics.length}`, useValue: new (host(Scope.DEFAULT, bind))() }] }),
];

const method = ({ prototype }: Type<object>): [object, string, PropertyDescriptor] => [
  prototype as object,
  'take',
  Object.getOwnPropertyDescriptor(prototype, 'take')!,
];

const BINDINGS: ((type: Type<object>) => void)[] = [
  (type) => [UseGuards(Deny), UseFilters(Filter), UsePipes(Pipe)].forEach((use) => use(type)),
  (type) => [UseGuards(Deny), UseFilters(Filter), UsePipes(Pipe)].forEach((use) => use(...method(type))),
  (type) => [UseGuards(DenyRequest), UseFilters(Filter)].forEach((use) => use(...method(type))),
  (type) => [UseGuards(new Deny(new Needed())), UseFilters(new Filter(new Needed()))].forEach((use) => use(type)),
];

// The clock stands still, so the topics must exist before their listeners query them.
const NOT_YET = {
  group: 'denied',
  autoStart: false,
  consumer: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' as const },
};

async function denied(what: string, bindings: typeof BINDINGS, providers: Provider[]): Promise<void> {
  topics = [];
  Object.assign(seen, { denied: 0, filtered: 0, piped: 0, called: 0 });
  const hosted = bindings.flatMap((bind) => HOSTS.map((make) => make(bind)));
  const modules = hosted.map((each) => {
    @Module({ ...each, providers: [Needed, ...(each.providers ?? [])] })
    class HostModule {}
    return HostModule;
  });
  const app = await NestFactory.createApplicationContext(
    { module: class AppModule {}, imports: [rocketMQTesting(NOT_YET).module, ...modules], providers },
    { logger: ['error'] },
  );
  const all = failed(app, {}, { times: topics.length });
  for (const topic of topics) await app.get(RocketMQTemplate).send(topic, { id: 1 });
  await app.get(RocketMQListeners).start();
  await all;
  await app.close();
  say(`${what}: ${seen.denied} denied of ${topics.length}, ${seen.filtered} seen by a filter, ${seen.called} called`);
}

@RocketMQMessageListener({ topic: 'late' })
class Late {
  onMessage(@Payload(Pipe) payload: { id: number }, context: RocketMQContext): void {
    say(`${context.topic} ${payload.id}, ${seen.piped} piped`);
  }
}

@Module({ providers: [Late] })
class LateModule {}

async function lazily(): Promise<void> {
  seen.piped = 0;
  const app = await NestFactory.createApplicationContext(
    { module: class AppModule {}, imports: [rocketMQTesting({ group: 'lazily' }).module] },
    { logger: ['error'] },
  );
  await app.get(LazyModuleLoader).load(() => Promise.resolve(LateModule));
  const arrival = consumed(app, { topic: 'late' });
  await app.get(RocketMQTemplate).send('late', { id: 7 });
  await arrival;
  await app.close();
}

async function main(): Promise<void> {
  await denied('decorators', BINDINGS, []);
  await denied(
    'APP_*',
    [() => undefined],
    [
      Needed,
      { provide: APP_GUARD, useClass: DenyRequest, scope: Scope.REQUEST },
      { provide: APP_FILTER, useClass: Filter },
      { provide: APP_PIPE, useClass: Pipe, scope: Scope.REQUEST },
    ],
  );
  await lazily();
  say('closed');
}

void main();
