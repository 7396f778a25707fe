// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecisionError } from './decision-error.ts';
import { parseDecisions, readDecisions } from './decision-file.ts';

const CONTEXT = {
  now: new Date('2026-08-21T00:00:00Z'),
  components: ['source-controller', 'helm-controller'],
  channels: ['distroless'],
};

const GOOD = `version: 1
decisions:
  - vulnerability: CVE-2026-0001
    aliases: [GO-2026-0001]
    status: not_affected
    justification: vulnerable_code_not_present
    reason: The vulnerable file is not compiled in.
    author: jane@example.com
    decided: 2026-08-01T10:00:00Z
    review: 2027-02-01
    components: [source-controller]
    releases: ["2.9"]
    packages: [pkg:golang/golang.org/x/net]
`;

function faultsOf(...texts: readonly string[]): readonly string[] {
  try {
    parseDecisions(
      texts.map((text, index) => ({ file: `vex/${index}.yaml`, text })),
      CONTEXT,
    );
    return [];
  } catch (error) {
    if (!(error instanceof DecisionError)) throw error;
    expect(error.code).toBe('VEX_DECISIONS_INVALID');
    return error.faults.map(({ where, message }) => `${where}: ${message}`);
  }
}

describe('a decision file', () => {
  it('is read with the place of each decision', () => {
    const [decision] = parseDecisions([{ file: 'vex/a.yaml', text: GOOD }], CONTEXT);
    expect(decision).toMatchObject({
      kind: 'person',
      where: 'vex/a.yaml:3:20',
      status: 'not_affected',
      at: new Date('2026-08-01T10:00:00Z'),
      reviewBy: new Date('2027-02-01T00:00:00Z'),
      scope: { components: ['source-controller'], releases: ['2.9'] },
    });
  });

  it('is refused with every fault and its place at once', () => {
    const bad = GOOD.replace('[source-controller]', '[source-controler]')
      .replace('decided: 2026-08-01T10:00:00Z', 'decided: 2026-09-01T10:00:00Z')
      .replace('review: 2027-02-01', 'review: 2028-02-01')
      .replace('pkg:golang/golang.org/x/net', 'golang.org/x/net');
    expect(faultsOf(bad)).toEqual([
      expect.stringMatching(/^vex\/0.yaml:9:14: .*is in the future/),
      expect.stringMatching(/^vex\/0.yaml:10:13: .*at most 366 days/),
      expect.stringMatching(
        /^vex\/0.yaml:11:18: .*no "source-controler" \(known: source-controller, helm-controller\)/,
      ),
      expect.stringMatching(/^vex\/0.yaml:13:16: .*package URL/),
    ]);
  });

  it.each([
    [
      'a justification with another status',
      ['status: not_affected', 'status: fixed'],
      /status fixed has no justification/,
    ],
    [
      'affected without what to do',
      ['status: not_affected\n    justification: vulnerable_code_not_present', 'status: affected'],
      /needs an action/,
    ],
    ['no reason', ['    reason: The vulnerable file is not compiled in.\n', ''], /reason: is missing/],
    ['no author', ['    author: jane@example.com\n', ''], /author: is missing/],
    ['no review date', ['    review: 2027-02-01\n', ''], /review: must be a date|review: is missing/],
    ['a review date that is none', ['2027-02-01', '2027-02-31'], /review: must be a date/],
    ['an unknown key', ['reason:', 'because: x\n    reason:'], /unknown key "because"/],
    ['an empty list', ['[source-controller]', '[]'], /must name at least one/],
    ['a release without quotes', ['"2.9"', '2.9'], /releases.0: must be/],
    ['broken YAML', ['version: 1', 'version: [1'], /vex\/0.yaml:/],
  ] as const)('is refused for %s', (_, [from, to], fault) => {
    expect(faultsOf(GOOD.replace(from, to)).join('\n')).toMatch(fault);
  });

  it('is read, or refused with the place of each fault, whatever is written into it', () => {
    const words = fc.oneof(
      fc.constantFrom(
        '&a',
        '*a',
        '<<: *a',
        '!!binary x',
        '{',
        '[',
        ']',
        ': ',
        '- ',
        '"',
        "'",
        '|',
        '---',
        '2026-99-99',
        'null',
        '\t',
        '\u0000',
      ),
      fc.string(),
    );
    const lines = GOOD.split('\n');
    const change = fc.tuple(fc.nat(lines.length - 1), fc.nat(60), words);
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const text = changes
          .reduce((all, [line, column, word]) => {
            const old = all[line] ?? '';
            return all.with(line, old.slice(0, column) + word + old.slice(column));
          }, lines)
          .join('\n');
        for (const fault of faultsOf(text)) expect(fault).toMatch(/^vex\/0\.yaml:\d+:\d+: ./);
      }),
      { numRuns: 500 },
    );
  });

  it('must not contradict another, at the same moment about the same', () => {
    const other = GOOD.replace('vulnerable_code_not_present', 'component_not_present').replace(
      'CVE-2026-0001',
      'CVE-2026-0009',
    );
    expect(faultsOf(GOOD, other)).toEqual([expect.stringMatching(/^vex\/1.yaml:3:20: contradicts vex\/0.yaml:3:20/)]);
    expect(faultsOf(GOOD, other.replace('source-controller', 'helm-controller'))).toEqual([]);
    expect(faultsOf(GOOD, other.replace('T10', 'T11'))).toEqual([]);
  });

  it('is found in a folder, and a folder that is not there holds none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'oakum-vex-'));
    try {
      expect(await readDecisions(join(folder, 'vex'), CONTEXT)).toEqual([]);
      await mkdir(join(folder, 'vex'));
      await writeFile(join(folder, 'vex/b.yaml'), GOOD);
      await writeFile(join(folder, 'vex/notes.md'), 'not a decision');
      expect(await readDecisions(join(folder, 'vex'), CONTEXT)).toHaveLength(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
