// SPDX-License-Identifier: Apache-2.0
import { assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guessHttpUrl, isGitUrl, isHttpUrl } from './kustomize-url.ts';

// What each is was asked of NewRepoSpecFromURL of sigs.k8s.io/kustomize/api v0.21.1, as 60,000 made-up texts were.
describe('a reference of a kustomization is a Git repository', () => {
  it.each([
    'github.com/org/repo',
    'GitHub.com/org/repo/deploy?ref=v1',
    'github.com:org/repo',
    'https://github.com/org/repo//deploy?ref=v1.2.3&timeout=90s',
    'https://git.example.com/org/repo.git/deploy',
    'http://git.example.com/org/repo',
    'https://example.com/a/b.yaml',
    'git@host.example.com:org/repo.git',
    'git@github.com:org/repo?ref=main',
    'user-1@host:path/to/repo',
    'ssh://git@host.example.com:7999/org/repo.git//deploy',
    'SSH://git@host/org/repo',
    'git::https://host.example.com/org/repo',
    'git::git@host:org/repo',
    'git::github.com/org/repo',
    'file:///srv/repo',
    'file:///srv/repo//deploy?ref=x',
    'https://user@dev.azure.com/org/project/_git/repo/deploy?version=v1',
    'https://bitbucket.org/org/repo/src/master/deploy',
    'https:///a/b',
  ])('%s', (text) => expect(isGitUrl(text)).toBe(true));
});

describe('a reference of a kustomization is a path', () => {
  it.each([
    './base',
    '../github.com/org/repo',
    './github.com/org/repo',
    'github.com',
    'github.com/org',
    'github.company.example/org/repo',
    'gitlab.com/org/repo',
    'repo.git',
    'host.example.com:org/repo',
    '1user@host:org/repo',
    '/srv/repo',
    'https://host.example.com',
    'https://host.example.com/file.yaml',
    'https://github.com/org/repo//../../x',
    'ftp://host/org/repo',
    's3::https://host/bucket',
    '',
  ])('%s', (text) => expect(isGitUrl(text)).toBe(false));
});

describe('what kustomize fetches by HTTP', () => {
  it.each([
    ['https://raw.githubusercontent.com/org/repo/v1/crd.yaml', true, 'http'],
    ['https://github.com/org/repo/releases/download/v1/install.yaml', true, 'http'],
    ['https://github.com/org/repo/releases/latest/download/install', true, 'http'],
    ['https://gitlab.com/org/repo/-/raw/main/x', true, 'http'],
    ['HTTPS://example.com/a.yml?token=x', true, 'http'],
    ['https://github.com/org/repo', true, 'git'],
    ['https://example.com/org/repo?ref=v1', true, 'git'],
    ['https://example.com/org/repo.git', true, 'git'],
    ['https://example.com/org/repo//a.yaml', true, 'git'],
    ['https://example.com/org/repo', true, 'either'],
    ['https://exa mple.com/org/repo', false, 'either'],
  ] as const)('%s: %s, %s', (text, isHttp, guess) => {
    expect(isHttpUrl(text)).toBe(isHttp);
    expect(guessHttpUrl(text)).toBe(guess);
  });

  it('is told from a path for texts of any parts, quickly', () => {
    const part = constantFrom(
      'https://',
      'git::',
      'github.com',
      '/',
      '//',
      ':',
      '@',
      'a',
      '.git',
      '_git/',
      '..',
      '?',
      '%zz',
      '[',
      '#',
    );
    assert(
      property(constantFrom(1, 5, 5000), part, part, part, (many, a, b, c) => {
        const text = a + b.repeat(many) + c;
        expect(typeof isGitUrl(text)).toBe('boolean');
        if (isHttpUrl(text)) expect(text).toMatch(/^https?:/i);
        if (text.startsWith('./')) expect(isGitUrl(text)).toBe(false);
      }),
    );
  });
});
