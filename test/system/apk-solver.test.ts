// SPDX-License-Identifier: Apache-2.0
// The solver beside apk itself, on random repositories. OAKUM_APK names an apk 2.14 or later that this machine can start (apk.static, or
// a script that starts the one of an Alpine root by its own loader); without it the test is skipped.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { tarEnd, tarHeader, tarPadding } from '#formats';
import { type Short, shelfOf, worldOf } from '../../src/bases/alpine/solver/__fixtures__/shelf.ts';
import { solve } from '../../src/bases/alpine/solver/solve.ts';

const APK = process.env['OAKUM_APK'];
const ROUNDS = 150;
const folder = mkdtempSync(join(tmpdir(), 'oakum-apk-solver-'));
afterAll(() => rmSync(folder, { recursive: true }));

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const version = fc.constantFrom('1', '1.1', '2', '2.1_rc1', '3-r1');
const word = fc
  .tuple(fc.constantFrom(...NAMES, 'v', 'so:x'), fc.constantFrom('', '', '', '=', '>=', '<', '~'), version, fc.nat(9))
  .map(([name, sign, of, odds]) => {
    const wanted = sign === '~' ? of.slice(0, 1) : of; // apk 2 takes version 1 for ~1.1, apk 3 and Oakum do not
    return `${odds === 0 ? '!' : ''}${name}${sign === '' ? '' : sign + wanted}`;
  });
const words = (most: number) =>
  fc
    .uniqueArray(word, { maxLength: most, selector: (one) => one.replace(/^!|[<>=~].*/g, '') })
    .map((list) => list.join(' '));
const short = fc.record({
  needs: words(2),
  provides: fc.constantFrom('', '', '', 'v', 'v=1', 'so:x=2'),
  when: fc.constantFrom('', '', '', '', 'a b', 'c d'),
  priority: fc.nat(2),
});
const title = fc.tuple(fc.constantFrom(...NAMES), version).map(([name, of]) => `${name}-${of}`);
const repositories = fc.tuple(
  words(3).filter((text) => text.split(' ').some((one) => one !== '' && !one.startsWith('!'))),
  fc.dictionary(title, short, { minKeys: 4, maxKeys: 12 }),
);

/** What apk would install, by its own word; undefined where it finds nothing. */
function askApk(world: string, packages: Readonly<Record<string, Short>>): string | undefined {
  const root = mkdtempSync(join(folder, 'root-'));
  for (const path of ['etc/apk', 'lib/apk/db', 'var/cache/apk', 'tmp', 'repository/x86_64']) {
    mkdirSync(join(root, path), { recursive: true });
  }
  for (const path of ['lib/apk/db/installed', 'etc/apk/world']) writeFileSync(join(root, path), '');
  writeFileSync(join(root, 'etc/apk/arch'), 'x86_64\n');
  writeFileSync(join(root, 'etc/apk/repositories'), `${root}/repository\n`);
  writeFileSync(join(root, 'repository/x86_64/APKINDEX.tar.gz'), indexOf(packages));
  const options = ['--arch', 'x86_64', '--allow-untrusted', '--no-cache', '--no-network', '--simulate'];
  const { status, stdout } = spawnSync(APK ?? '', ['--root', root, ...options, 'add', ...world.split(' ')], {
    encoding: 'utf8',
  });
  rmSync(root, { recursive: true });
  const titles = [...stdout.matchAll(/Installing (\S+) \((\S+)\)/g)].map(([, name, of]) => `${name}-${of}`);
  return status === 0 ? titles.sort().join(' ') : undefined;
}

function indexOf(packages: Readonly<Record<string, Short>>): Buffer {
  const entries = shelfOf(packages).map((one) =>
    [
      `C:${one.checksum}\nP:${one.name}\nV:${one.version}\nA:x86_64\nS:100\nI:4096\nT:x`,
      ...(one.providerPriority > 0 ? [`k:${one.providerPriority}`] : []),
      ...(one.depends.length > 0 ? [`D:${one.depends.join(' ')}`] : []),
      ...(one.provides.length > 0 ? [`p:${one.provides.join(' ')}`] : []),
      ...(one.installIf.length > 0 ? [`i:${one.installIf.join(' ')}`] : []),
    ].join('\n'),
  );
  const text = Buffer.from(`${entries.join('\n\n')}\n\n`);
  const mode = { mode: 0o644, uid: 0, gid: 0, mtime: 1 };
  const header = tarHeader({ path: 'APKINDEX', kind: 'file', size: text.length, ...mode });
  return gzipSync(Buffer.concat([header, text, tarPadding(text.length), tarEnd()]));
}

function askOurs(world: string, packages: Readonly<Record<string, Short>>): string | undefined {
  try {
    const chosen = solve(worldOf(world), [{ packages: shelfOf(packages) }]);
    return chosen
      .map((one) => `${one.package.name}-${one.package.version}`)
      .sort()
      .join(' ');
  } catch (error) {
    expect((error as { code?: string }).code).toMatch(/^BASE_/);
    return undefined;
  }
}

describe.skipIf(APK === undefined)('the solver, beside apk (skipped without OAKUM_APK)', () => {
  it('gives the set that apk gives, wherever apk finds one', () => {
    let found = 0;
    for (const [world, packages] of fc.sample(repositories, { numRuns: ROUNDS, seed: 9 })) {
      const theirs = askApk(world, packages);
      if (theirs === undefined) continue;
      found += 1;
      expect(askOurs(world, packages), `${world} of ${JSON.stringify(packages)}`).toBe(theirs);
    }
    expect(found).toBeGreaterThan(ROUNDS / 20);
  }, 600_000);
});
