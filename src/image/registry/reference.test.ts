// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ImageError } from '../error.ts';
import { formatReference, parseReference, parseRepository } from './reference.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;

describe('the reference parser', () => {
  it.each([
    [
      'registry.example.com/flux/source-controller:v1.9.3',
      { registry: 'registry.example.com', repository: 'flux/source-controller', tag: 'v1.9.3' },
    ],
    ['registry.example.com:5000/a:b', { registry: 'registry.example.com:5000', repository: 'a', tag: 'b' }],
    ['localhost/a__b/c-d.e', { registry: 'localhost', repository: 'a__b/c-d.e' }],
    ['[::1]:5000/a', { registry: '[::1]:5000', repository: 'a' }],
    ['Registry.Example.com/a', { registry: 'registry.example.com', repository: 'a' }],
    [`127.0.0.1:1/a:t@${DIGEST}`, { registry: '127.0.0.1:1', repository: 'a', tag: 't', digest: DIGEST }],
  ])('reads %s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
    expect(parseReference(formatReference(parseReference(text)))).toEqual(expected);
  });

  it.each([
    ['', 'names no registry'],
    ['source-controller:v1', 'names no registry'],
    ['flux/source-controller', 'names no registry'],
    ['https://registry.example.com/a', 'scheme'],
    ['user:secret@registry.example.com/a', 'after @'],
    ['registry.example.com/Flux', 'lower case'],
    ['registry.example.com/a//b', 'may hold'],
    ['registry.example.com/../a', 'may hold'],
    ['registry.example.com/a?x=y', 'may hold'],
    ['registry.example.com/a:', 'the tag ""'],
    [`registry.example.com/a:${'x'.repeat(129)}`, 'the tag'],
    ['registry.example.com/a@sha256:12', 'after @'],
    [`registry.example.com/a@sha512:${'ab'.repeat(64)}`, 'not supported'],
    ['registry.example.com:70000/a', 'port'],
    ['-registry.example.com/a', 'no host name'],
    [`registry.example.com/${'a'.repeat(250)}`, '255'],
  ])('refuses %j and says why', (text, why) => {
    expect(() => parseReference(text)).toThrow(ImageError);
    expect(() => parseReference(text)).toThrow(why);
  });

  it('reads a repository without tag or digest only', () => {
    expect(parseRepository('registry.example.com/flux')).toEqual({
      registry: 'registry.example.com',
      repository: 'flux',
    });
    expect(() => parseRepository('registry.example.com/flux:v1')).toThrow('may hold');
  });
});
