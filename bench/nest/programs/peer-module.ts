// Loads what a peer needs from a folder outside of this repository, so that the project does not depend on it.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { task } from './task.js';

const requireThere = createRequire(join(task.peers, 'package.json'));

/** Decorators are called as functions: their types are not there either. */
export type Decorator = (target: object, key?: string, descriptor?: PropertyDescriptor) => void;

export const load = <T>(name: string): T => requireThere(name) as T;

/** Nest as the peer sees it. */
export interface Nest {
  NestFactory: {
    createApplicationContext(
      module: object,
      options: object,
    ): Promise<{ get<T>(token: unknown): T; init(): Promise<void>; close(): Promise<void> }>;
  };
  Module(metadata: object): Decorator;
  Injectable(): Decorator;
}

load('reflect-metadata');
export const { NestFactory, Module, Injectable } = {
  ...load<Pick<Nest, 'Module' | 'Injectable'>>('@nestjs/common'),
  ...load<Pick<Nest, 'NestFactory'>>('@nestjs/core'),
};
