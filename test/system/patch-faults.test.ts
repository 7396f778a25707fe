// SPDX-License-Identifier: Apache-2.0
// What `oakum patch` does where a fix is no fix, in a small world: real Go, real sandbox, a made proxy, made advisories.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PatchPlan } from '#patch';
import { type CliResult, type Outside, startOutside } from '../outside.ts';
import {
  advisory,
  lockedRevision,
  publishComponent,
  publishFluxRelease,
  publishLibrary,
  updateFeeds,
} from '../patch-world.ts';

/** What is wrong with the fix of each advisory. */
const FLAWS = {
  tested: 11,
  gone: 12,
  taken: 13,
  replaced: 14,
  future: 15,
  one: 16,
  two: 17,
  plain: 18,
  crossed: 19,
  crossedBack: 20,
  left: 21,
  right: 22,
  failing: 23,
} as const;
const idOf = (flaw: keyof typeof FLAWS) => `GO-2026-00${FLAWS[flaw]}`;

let outside: Outside;

beforeAll(async () => {
  outside = await startOutside();
  await outside.define((text) =>
    text.replace('channels:\n', '  gamma:\n    module: github.com/fluxcd/gamma\nchannels:\n'),
  );
  publishBeta();
  publishGamma();
  publishFluxRelease(outside, 'v2.9.4', { alpha: 'v1.9.3', beta: 'v2.0.0', gamma: 'v3.0.0' });
  const until101 = (
    ['tested', 'gone', 'taken', 'replaced', 'future', 'one', 'two', 'plain', 'left', 'failing'] as const
  ).map((flaw) => advisory(FLAWS[flaw], `${flaw}.test/${flaw}`));
  const fetched = await outside.oakum(['fetch', '2.9.4']);
  expect(fetched.exitCode, fetched.stderr).toBe(0);
  await updateFeeds(outside, [
    ...until101,
    advisory(FLAWS.crossed, 'crossed.test/crossed'),
    advisory(FLAWS.crossedBack, 'crossed.test/crossed', [{ fixed: '0.9.0' }, { introduced: '1.0.1' }]),
    advisory(FLAWS.right, 'right.test/right', [{ fixed: '0.9.0' }, { introduced: '1.2.0' }]),
  ]);
});
afterAll(() => outside.stop());

/** A library with two versions; its go.mod or its code changes in the second. */
function twoVersions(name: string, first: string, second: string, text: { mod?: string; go?: string } = {}) {
  const path = `${name}.test/${name}`;
  const published = publishLibrary(outside, path, 'v1.0.0', { body: first });
  publishLibrary(outside, path, 'v1.0.1', { ...text, body: second });
  return published;
}

const call = 'func Call() {}';

/** Findings whose fixes fail in planning, and two whose fixes compile and break tests of beta. */
function publishBeta(): void {
  const taken = twoVersions('taken', call, call);
  publishLibrary(outside, 'taken.test/taken', 'v1.0.2', { mod: '\nretract [v1.0.1, v1.0.2]\n', body: call });
  const replaced = twoVersions('replaced', call, call);
  publishLibrary(outside, 'replaced.test/replaced', 'v1.0.2', { mod: '\nretract v1.0.1\n', body: call });
  const gone = publishLibrary(outside, 'gone.test/gone', 'v1.0.0', { body: call });
  const crossed = twoVersions('crossed', call, call);
  const right = publishLibrary(outside, 'right.test/right', 'v1.0.0', { body: call });
  publishLibrary(outside, 'right.test/right', 'v1.2.0', { body: call });
  const left = twoVersions('left', call, call, { mod: '\nrequire right.test/right v1.2.0\n' });
  const requires = [
    twoVersions('tested', 'const Word = "old"', 'const Word = "new"'),
    twoVersions('plain', call, call),
    twoVersions('future', call, call, { go: '1.99' }),
    twoVersions('failing', 'const Word = "red"', 'const Word = "blue"'),
    taken,
    replaced,
    gone,
    crossed,
    right,
    left,
  ];
  const test = (name: string, body: string) =>
    `package ${name}\n\nimport (\n\t"testing"\n\n\t"${name}.test/${name}"\n)\n\n${body}\n`;
  publishComponent(
    outside,
    { name: 'beta', version: 'v2.0.0' },
    {
      requires,
      main: requires
        .map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
        .map((name) => (['tested', 'failing'].includes(name) ? `\tprintln(${name}.Word)\n` : `\t${name}.Call()\n`))
        .join(''),
      files: {
        'words/x_test.go': test(
          'tested',
          'func TestWord(t *testing.T) {\n\tif tested.Word != "old" {\n\t\tt.Fatalf("the word is %s now", tested.Word)\n\t}\n}',
        ).replace('package tested', 'package words'),
        // It fails before as well, so it says nothing against a change.
        'colours/x_test.go': test(
          'failing',
          'func TestColour(t *testing.T) {\n\tt.Fatal("never right:", failing.Word)\n}',
        ).replace('package failing', 'package colours'),
      },
    },
  );
}

/** Two fixes of which each compiles alone: the number would be negative with both. */
function publishGamma(): void {
  const level = (value: number) => `const Level = ${value}`;
  const requires = [twoVersions('one', level(0), level(1)), twoVersions('two', level(0), level(1))];
  publishComponent(
    outside,
    { name: 'gamma', version: 'v3.0.0' },
    { requires, main: '\tprintln(uint(1 - one.Level - two.Level))\n' },
  );
}

/** The toolchain is at hand by now, so no real proxy is asked for modules that are none. */
const patch = (component: string, ...more: readonly string[]): Promise<CliResult> =>
  outside.oakum(['patch', '2.9.4', '--component', component, '--lock-only', '--no-reachability', ...more], {
    env: { GOPROXY: outside.proxy.url },
  });

describe('a fix that is no fix', () => {
  let result: CliResult;
  beforeAll(async () => {
    result = await patch('beta');
  });

  const stays = (flaw: keyof typeof FLAWS) =>
    result.stdout.split('\n').find((line) => line.includes(`stays: ${idOf(flaw)} `));

  it('is left out with its reason, and the rest is locked', async () => {
    expect(result.exitCode, result.stderr).toBe(0);
    const revision = await lockedRevision(outside, '2.9.4-r1');
    const raised = Object.fromEntries(revision?.components['beta']?.requires.map(({ path, to }) => [path, to]) ?? []);
    expect(raised).toEqual({
      'failing.test/failing': 'v1.0.1',
      'left.test/left': 'v1.0.1',
      'plain.test/plain': 'v1.0.1',
      'replaced.test/replaced': 'v1.0.2',
      'right.test/right': 'v1.2.0',
    });
    const flaws = ['tested', 'gone', 'taken', 'future', 'crossed'] as const;
    expect(new Set(revision?.staying.map(({ id }) => id))).toEqual(new Set(flaws.map(idOf)));
  });

  it('names the version that does not exist', () => {
    expect(stays('gone')).toContain(
      'neither the Go module proxy nor the checksum database knows gone.test/gone@v1.0.1',
    );
  });

  it('names the version that was retracted, and takes the next one where there is one', () => {
    expect(stays('taken')).toContain('taken.test/taken@v1.0.1 was retracted by its authors');
    expect(stays('replaced')).toBeUndefined();
  });

  it('names the Go that it needs', () => {
    expect(stays('future')).toMatch(/future\.test\/future@v1\.0\.1 needs Go 1\.99, and the toolchain is go1\./);
  });

  it('says that each fix of a module is the flaw of another advisory', () => {
    expect(stays('crossed')).toContain('its fix v1.0.1 is touched by another advisory');
  });

  it('says where a fix needs a version that another advisory touches', () => {
    expect(result.stdout).toContain(`note: right.test/right v1.2.0 is needed although: ${idOf('right')} touches it`);
  });

  it('breaks a test of upstream, which says what it saw; one that failed before is no reason', () => {
    expect(stays('tested')).toContain(
      'its fix breaks a test: github.com/fluxcd/beta/words.TestWord passed before and fails now',
    );
    expect(stays('tested')).toContain('the word is new now');
    expect(stays('failing')).toBeUndefined();
  });
});

describe('two fixes that do not go together', () => {
  it('are told apart: one is taken, and the other stays with what the compiler said', async () => {
    const { exitCode, stdout, stderr } = await patch('gamma');
    expect(exitCode, stderr).toBe(0);
    const overlay = (await lockedRevision(outside, '2.9.4-r2'))?.components['gamma'];
    expect(overlay?.requires.map(({ path }) => path)).toEqual(['one.test/one']);
    expect(stdout).toMatch(
      new RegExp(`stays: ${idOf('two')} in two.test/two v1.0.0, its fix does not build: .*main.go`),
    );
  });
});

describe("without upstream's tests", () => {
  it('the fix that breaks one is taken', async () => {
    const lock = join(outside.folder, 'oakum.lock');
    const before = await readFile(lock, 'utf8');
    const { exitCode, stderr } = await patch('beta', '--no-tests');
    expect(exitCode, stderr).toBe(0);
    const overlay = (await lockedRevision(outside, '2.9.4-r3'))?.components['beta'];
    expect(overlay?.requires.map(({ path }) => path)).toContain('tested.test/tested');
    expect(stderr).toContain("upstream's unit tests are not run");
    await writeFile(lock, before);
  });
});

describe('a patch file', () => {
  const place = () => join(outside.folder, 'patches/alpha');
  const write = async (text: string) => {
    await mkdir(place(), { recursive: true });
    await writeFile(join(place(), '0001-change.patch'), text);
  };
  const hunk = '--- a/main.go\n+++ b/main.go\n@@ -5,1 +5,1 @@\n';

  it.each([
    ['no longer applies', `${hunk}-func main() { another() }\n+func main() {}\n`, 3, 'main.go'],
    ['is no patch', 'change it\n', 3, 'this is no patch that can be applied'],
    ['leaves the source', `${hunk.replaceAll('/main.go', '/../../x')}-a\n+b\n`, 3, '..'],
    [
      'does not compile',
      `${hunk}-func main() { println(api.Name) }\n+func main() { println(api.Nome) }\n`,
      7,
      'api.Nome',
    ],
  ])('that %s fails the run, which names it and leaves the lock', async (_, text, code, said) => {
    const lock = join(outside.folder, 'oakum.lock');
    const before = await readFile(lock, 'utf8').catch(() => '');
    await write(text);
    const result = await patch('alpha');
    await rm(place(), { recursive: true });
    expect(result.exitCode, result.stderr).toBe(code);
    expect(result.stderr).toContain(said);
    if (code === 3) expect(result.stderr).toContain('patches/alpha/0001-change.patch');
    expect(await readFile(lock, 'utf8').catch(() => '')).toBe(before);
  });
});

describe('two runs at once', () => {
  const held = () => join(outside.folder, 'oakum.lock.patching');

  it('are one too many: the second names the first, and since when it runs', async () => {
    await writeFile(held(), String(process.pid));
    const refused = await patch('gamma');
    expect(refused.exitCode).toBe(6);
    expect(refused.stderr).toMatch(
      new RegExp(`another patch with this lock runs: process ${process.pid}, since \\d{4}-\\d\\d-\\d\\dT`),
    );
    const planned = await patch('gamma', '--plan', '--json');
    expect((JSON.parse(planned.stdout) as PatchPlan).release).toBe('2.9.4');
  });

  it('where the first was killed, the second takes over', async () => {
    await writeFile(held(), '4194304'); // past the greatest process id
    expect((await patch('gamma')).exitCode).toBe(0);
    await expect(readFile(held())).rejects.toThrow();
  });
});
