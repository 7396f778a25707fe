// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { createProgram } from './program.ts';

const namesOf = (first?: string) => {
  const world = () => {
    throw new Error('nothing is run');
  };
  return createProgram('0', { world }, first).commands.map((command) => command.name());
};

describe('the command line', () => {
  const all = namesOf();

  it.each(all)('has %s, also where that alone is asked for', (name) => {
    const alone = namesOf(name);
    expect(alone).toContain(name);
    expect(alone.length).toBeLessThan(all.length);
  });

  it.each(['--help', 'relaese', ''])('has every command where %j names none', (first) => {
    expect(namesOf(first)).toEqual(all);
  });
});
