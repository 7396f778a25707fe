// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { readComplaint } from './compile-complaint.ts';

const failed = (...lines: readonly string[]) => ['the compile failed:', ...lines].join('\n');

describe('what a failed compile says', () => {
  it.each([
    [
      'the compiler, of the source',
      failed('# example.com/a', 'internal/a/x.go:9:9: undefined: b.Call', 'internal/a/x.go:10:2: too many errors'),
      { about: 'source', said: 'internal/a/x.go:9:9: undefined: b.Call' },
    ],
    [
      'Go, of an import',
      failed('main.go:5:2: no required module provides package example.com/b'),
      { about: 'source', said: 'main.go:5:2: no required module provides package example.com/b' },
    ],
    [
      'Go, of a compiler that was killed',
      failed('# example.com/a', '/usr/local/go/pkg/tool/linux_amd64/compile: signal: killed'),
      { about: 'machine', said: '/usr/local/go/pkg/tool/linux_amd64/compile: signal: killed' },
    ],
    [
      'Go, of a full disk',
      failed('# example.com/a', 'write /gocache/x: no space left on device'),
      { about: 'machine', said: 'write /gocache/x: no space left on device' },
    ],
    [
      'Go, of too many processes',
      failed('# example.com/a', 'runtime: failed to create new OS thread (have 5 already; errno=11)'),
      { about: 'machine', said: 'runtime: failed to create new OS thread (have 5 already; errno=11)' },
    ],
    [
      'the linker',
      failed('# example.com/a', 'link: example.com/b: invalid reference to runtime.secret'),
      { about: 'unknown', said: 'link: example.com/b: invalid reference to runtime.secret' },
    ],
    ['the name of a package alone', failed('# example.com/a'), { about: 'unknown', said: 'the compile failed:' }],
    [
      'the compiler, though one was killed beside it',
      failed('compile: signal: killed', '# example.com/a', 'x.go:1:1: undefined: c'),
      { about: 'source', said: 'x.go:1:1: undefined: c' },
    ],
  ])('is that of %s', (_, message, expected) => {
    expect(readComplaint(message)).toEqual(expected);
  });
});
