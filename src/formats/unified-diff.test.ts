// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyFilePatch, parseUnifiedDiff } from './unified-diff.ts';

const OLD = 'one\ntwo\nthree\nfour\nfive\n';
const DIFF = `--- a/pkg/x.go
+++ b/pkg/x.go
@@ -1,4 +1,4 @@
 one
-two
+2
 three
 four
`;

const only = (text: string) => {
  const [patch] = parseUnifiedDiff(text);
  if (patch === undefined) throw new Error('no patch');
  return patch;
};

describe('a unified diff', () => {
  it('changes a file, and passes over the message before it', () => {
    const patch = only(
      `From: someone\nSubject: fix it\n\ndiff --git a/pkg/x.go b/pkg/x.go\nindex 1..2 100644\n${DIFF}-- \n2.39.5\n`,
    );
    expect(patch).toMatchObject({ path: 'pkg/x.go', kind: 'change' });
    expect(applyFilePatch(OLD, patch)).toBe('one\n2\nthree\nfour\nfive\n');
  });

  it('creates and deletes files', () => {
    const create = only('--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1,2 @@\n+a\n+b\n');
    expect(applyFilePatch(undefined, create)).toBe('a\nb\n');
    expect(() => applyFilePatch('a\n', create)).toThrow('there is such a file already');
    const remove = only('--- a/old.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n');
    expect(applyFilePatch('a\nb\n', remove)).toBeUndefined();
    expect(() => applyFilePatch('a\nb\nc\n', remove)).toThrow('more than the patch deletes');
  });

  it('minds whether the last line ends in a newline', () => {
    const patch = only('--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n');
    expect(applyFilePatch('a', patch)).toBe('b\n');
    expect(() => applyFilePatch('a\n', patch)).toThrow('line 1 is another one');
  });

  it.each([
    ['lines that moved', `zero\n${OLD}`, 'line 1 is another one'],
    ['context that differs', OLD.replace('four', '4'), 'line 4 is another one'],
    ['a file that is too short', 'one\ntwo\n', 'line 3 is another one'],
    ['an absent file', undefined, 'there is no such file'],
  ])('does not apply to %s', (_, content, message) => {
    expect(() => applyFilePatch(content, only(DIFF))).toThrow(message);
  });

  it.each([
    ['a path that leaves the folder', DIFF.replaceAll('pkg/x.go', 'pkg/../../x.go')],
    ['an absolute path', DIFF.replaceAll('a/pkg/x.go', '/etc/passwd').replaceAll('b/pkg/x.go', '/etc/passwd')],
    ['a path into .git', DIFF.replaceAll('pkg/x.go', '.git/hooks')],
    ['a path with a control character', DIFF.replaceAll('pkg/x.go', 'pkg/\u0007x.go')],
    ['a rename', DIFF.replace('b/pkg/x.go', 'b/pkg/y.go')],
    ['a binary change', 'diff --git a/x b/x\nGIT binary patch\nliteral 3\n'],
    ['a change of mode', `diff --git a/x b/x\nold mode 100644\nnew mode 100755\n${DIFF}`],
    [
      'a new symbolic link',
      'new file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n'.replace(/^/, DIFF),
    ],
    ['a hunk that is cut short', DIFF.replace(' four\n', '')],
    ['a hunk that is too long', DIFF.replace('-1,4', '-1,3')],
    ['a file that comes twice', DIFF + DIFF],
    ['text after the last hunk', `${DIFF}garbage\n`],
    ['no file at all', 'hello\n'],
  ])('is refused with %s', (_, text) => {
    expect(() => parseUnifiedDiff(text)).toThrow(expect.objectContaining({ code: 'PATCH_INVALID' }) as Error);
  });

  it('gives what diff compared, for any two texts', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', '', ' d'), { maxLength: 12 })
      .chain((lines) => fc.boolean().map((ends) => lines.join('\n') + (ends && lines.length > 0 ? '\n' : '')));
    const folder = mkdtempSync(join(tmpdir(), 'oakum-diff-'));
    try {
      fc.assert(
        fc.property(text, text, (old, fresh) => {
          fc.pre(old !== fresh && old !== '' && fresh !== '');
          writeFileSync(join(folder, 'old'), old);
          writeFileSync(join(folder, 'new'), fresh);
          const args = ['-u', '--label', 'a/x', '--label', 'b/x', join(folder, 'old'), join(folder, 'new')];
          const { stdout } = spawnSync('diff', args, { encoding: 'utf8' });
          expect(applyFilePatch(old, only(stdout))).toBe(fresh);
        }),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(execFileSync('diff', ['--version'], { encoding: 'utf8' })).toContain('diff');
  });
});
