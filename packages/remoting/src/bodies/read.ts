// Reads members of a JSON body, whose types the peer may have got wrong.
import type { JsonObject } from '../json/json.js';

export function stringIn(json: JsonObject, name: string, absent = ''): string {
  const value = json[name];
  return typeof value === 'string' ? value : absent;
}

export function numberIn(json: JsonObject, name: string, absent = 0): number {
  const value = json[name];
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value !== '' && Number.isFinite(Number(value)) ? Number(value) : absent;
}

export function booleanIn(json: JsonObject, name: string, absent = false): boolean {
  const value = json[name];
  return typeof value === 'boolean' ? value : value === 'true' ? true : value === 'false' ? false : absent;
}

export function arrayIn(json: JsonObject, name: string): unknown[] {
  const value = json[name];
  return Array.isArray(value) ? value : [];
}

export function objectsIn(json: JsonObject, name: string): JsonObject[] {
  return arrayIn(json, name).filter((item): item is JsonObject => isObject(item));
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function stringsIn(json: JsonObject, name: string): string[] {
  return arrayIn(json, name).filter((item): item is string => typeof item === 'string');
}
