// SPDX-License-Identifier: Apache-2.0
import { FormatError } from './error.ts';

/**
 * Reads a JSON value as one form; throws {@link FormatError} `SHAPE_INVALID`, which says where the value differs. Shapes are
 * for what every scan reads: they load and run in a fraction of zod's time, and can do a fraction of what it can.
 */
export type Shape<T> = (value: unknown) => T;

/** What a shape gives. */
export type Shaped<S> = S extends Shape<infer T> ? T : never;

/** A string. */
export const text: Shape<string> = (value) => {
  if (typeof value === 'string') return value;
  throw differs('a text', value);
};

/** A JSON object with any members. */
export const record: Shape<Readonly<Record<string, unknown>>> = (value) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw differs('an object', value);
};

/** What may be left out, or be null: then it is undefined. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value) => (value === undefined || value === null ? undefined : shape(value));
}

/** An array of at most `most` items of one shape. */
export function list<T>(shape: Shape<T>, most = Number.POSITIVE_INFINITY): Shape<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw differs('a list', value);
    if (value.length > most) throw invalid(`a list of more than ${most}`);
    const read: T[] = [];
    try {
      for (const item of value) read.push(shape(item));
    } catch (error) {
      throw placed(error, read.length);
    }
    return read;
  };
}

/** An array that may be left out, or be null: then it is empty. */
export function optionalList<T>(shape: Shape<T>, most?: number): Shape<readonly T[]> {
  const items = list(shape, most);
  return (value) => (value === undefined || value === null ? [] : items(value));
}

/** An object with these members. Others are dropped. */
export function object<Fields extends Readonly<Record<string, Shape<unknown>>>>(
  fields: Fields,
): Shape<{ readonly [Key in keyof Fields]: Shaped<Fields[Key]> }> {
  const entries = Object.entries(fields);
  return (value) => {
    const members = record(value);
    const read: Record<string, unknown> = {};
    let at = '';
    try {
      for (const [key, shape] of entries) {
        at = key;
        read[key] = shape(members[key]);
      }
    } catch (error) {
      throw placed(error, at);
    }
    return read as { readonly [Key in keyof Fields]: Shaped<Fields[Key]> };
  };
}

/** Adds to a fault in which member or item it is. */
function placed(error: unknown, place: string | number): unknown {
  if (!(error instanceof FormatError) || error.code !== 'SHAPE_INVALID') return error;
  return invalid(error.message, error.where === undefined ? `${place}` : `${place}.${error.where}`);
}

function differs(wanted: string, value: unknown): FormatError {
  if (value === undefined) return invalid(`${wanted} is missing`);
  const found =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'a list'
        : typeof value === 'object'
          ? 'an object'
          : `a ${typeof value}`;
  return invalid(`${wanted} is needed, not ${found}`);
}

function invalid(message: string, where?: string): FormatError {
  return new FormatError('SHAPE_INVALID', message, where === undefined ? {} : { where });
}
