// Loads Nest from the folder of peers, as they see it.
import { load } from './peer-module.js';

/** Decorators are called as functions: their types are not there either. */
export type Decorator = (target: object, key?: string, descriptor?: PropertyDescriptor) => void;

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
