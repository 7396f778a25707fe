// SPDX-License-Identifier: Apache-2.0
import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenge.ts';

describe('the challenge parser', () => {
  it('reads a bearer challenge with commas inside quotes', () => {
    expect(
      parseChallenges('Bearer realm="https://auth.example.com/token",service="r", scope="repository:a:pull,push"'),
    ).toEqual([
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.example.com/token', service: 'r', scope: 'repository:a:pull,push' },
      },
    ]);
  });

  it('reads several challenges in one header, escapes and bare tokens', () => {
    expect(parseChallenges('Basic realm="a \\"b\\"", Bearer realm=x, error=invalid_token, Negotiate')).toEqual([
      { scheme: 'basic', parameters: { realm: 'a "b"' } },
      { scheme: 'bearer', parameters: { realm: 'x', error: 'invalid_token' } },
      { scheme: 'negotiate', parameters: {} },
    ]);
  });

  it('stops at what it does not understand, whatever that is', () => {
    expect(parseChallenges('Bearer realm="unclosed')).toEqual([{ scheme: 'bearer', parameters: {} }]);
    expect(parseChallenges('=')).toEqual([]);
    assert(property(string(), (text) => Array.isArray(parseChallenges(text))));
  });
});
