// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, list, object, optional, optionalList, record, type Shape, text } from '#formats';

const fault = (shape: Shape<unknown>, value: unknown) => {
  try {
    shape(value);
  } catch (error) {
    if (error instanceof FormatError) return `${error.code} ${error.where ?? ''}: ${error.message}`;
    throw error;
  }
  return 'none';
};

describe('a shape', () => {
  const person = object({ name: text, age: optional(text), tags: optionalList(text, 2), more: optional(record) });

  it('gives the members it names, and drops the others', () => {
    expect(person({ name: 'a', extra: 1 })).toEqual({ name: 'a', age: undefined, tags: [], more: undefined });
    expect(person({ name: 'a', age: null, tags: ['x'], more: { b: 1 } })).toEqual({
      name: 'a',
      age: undefined,
      tags: ['x'],
      more: { b: 1 },
    });
  });

  it('says where a value differs, and how', () => {
    const people = object({ people: list(person) });
    expect(fault(people, { people: [{ name: 'a' }, {}] })).toBe('SHAPE_INVALID people.1.name: a text is missing');
    expect(fault(people, { people: [{ name: 'a', tags: ['x', 1] }] })).toBe(
      'SHAPE_INVALID people.0.tags.1: a text is needed, not a number',
    );
    expect(fault(people, { people: [{ name: 'a', tags: ['x', 'y', 'z'] }] })).toBe(
      'SHAPE_INVALID people.0.tags: a list of more than 2',
    );
    expect(fault(people, { people: {} })).toBe('SHAPE_INVALID people: a list is needed, not an object');
    expect(fault(people, null)).toBe('SHAPE_INVALID : an object is needed, not null');
    expect(fault(people, [])).toBe('SHAPE_INVALID : an object is needed, not a list');
  });

  it('reads a member that is called __proto__ as any other', () => {
    const value: unknown = JSON.parse('{"name":"a","__proto__":{"age":"x"}}');
    expect(person(value).age).toBeUndefined();
  });

  it('takes or refuses any JSON, and throws nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(fault(person, value)).toMatch(/^none$|^SHAPE_INVALID/);
      }),
    );
  });
});
