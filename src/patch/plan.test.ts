// SPDX-License-Identifier: Apache-2.0
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Platform } from '#core';
import { toolchainModule } from '#sources';
import { type Desk, openDesk, osv } from './__fixtures__/desk.ts';
import { composeOverlay } from './overlay.ts';
import type { PatchPlan } from './plan.ts';

let desk: Desk;

beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => desk.close());

const planOf = (plan: PatchPlan) => {
  const [component] = plan.components;
  if (component === undefined) throw new Error('no component was planned');
  return component;
};
const moves = (plan: PatchPlan) => planOf(plan).changes.map(({ path, from, to }) => [path, from, to]);
const reasons = (plan: PatchPlan) => Object.fromEntries(planOf(plan).staying.map((one) => [one.id, one.reason]));

describe('the plan of a revision', () => {
  it('raises what a finding needs, with the lines that go.sum needs, each proved', async () => {
    for (const name of ['a.test/a@v1.0.0', 'a.test/a@v1.0.1', 'b.test/b@v1.0.0']) desk.publish(name);
    desk.publish('b.test/b@v1.1.0');
    await desk.component({ require: ['a.test/a@v1.0.0', 'b.test/b@v1.0.0'] });
    const plan = await desk.plan({ advisories: [osv('GO-1', 'a.test/a', '0', '1.0.1')] });
    expect(moves(plan)).toEqual([['a.test/a', 'v1.0.0', 'v1.0.1']]);
    expect(planOf(plan)).toMatchObject({ findings: 1, fixed: ['GO-1'], staying: [], gaps: [] });
    const { zipHash, modHash, proof } = await desk.sources.prove({ path: 'a.test/a', version: 'v1.0.1' });
    expect(planOf(plan).overlay?.sums).toEqual([{ path: 'a.test/a', version: 'v1.0.1', zipHash, modHash, proof }]);
    expect(proof.kind).toBe('checksum-database');
  });

  it('has nothing to do where nothing is found', async () => {
    desk.publish('a.test/a@v1.0.0');
    await desk.component({ require: ['a.test/a@v1.0.0'] });
    const plan = await desk.plan({ advisories: [osv('GO-1', 'a.test/a', '0', '0.9.0')] });
    expect(plan.verdict).toBe('nothing');
    expect(planOf(plan).overlay).toBeUndefined();
  });

  it('passes over a fix that was retracted', async () => {
    desk.publish('a.test/a@v1.0.0');
    desk.publish('a.test/a@v1.0.1');
    desk.publish('a.test/a@v1.0.2', { lines: ['retract v1.0.1 // it loses data'] });
    await desk.component({ require: ['a.test/a@v1.0.0'] });
    const plan = await desk.plan({ advisories: [osv('GO-1', 'a.test/a', '0', '1.0.1')] });
    expect(moves(plan)).toEqual([['a.test/a', 'v1.0.0', 'v1.0.2']]);
  });

  it('takes the next version where the fix is not served; where there is none the finding stays', async () => {
    for (const name of ['a.test/a@v1.0.0', 'a.test/a@v1.0.3', 'b.test/b@v1.0.0']) desk.publish(name);
    await desk.component({ require: ['a.test/a@v1.0.0', 'b.test/b@v1.0.0'] });
    const advisories = [osv('GO-1', 'a.test/a', '0', '1.0.2'), osv('GO-2', 'b.test/b', '0', '1.0.1')];
    const plan = await desk.plan({ advisories });
    expect(moves(plan)).toEqual([['a.test/a', 'v1.0.0', 'v1.0.3']]);
    expect(reasons(plan)['GO-2']).toContain(
      'neither the Go module proxy nor the checksum database knows b.test/b@v1.0.1',
    );
  });

  it('leaves a fix that needs a newer Go than the toolchain, and takes the others', async () => {
    for (const name of ['a.test/a@v1.0.0', 'b.test/b@v1.0.0', 'b.test/b@v1.0.1']) desk.publish(name);
    desk.publish('a.test/a@v1.0.1', { go: '1.28.0' });
    await desk.component({ require: ['a.test/a@v1.0.0', 'b.test/b@v1.0.0'] });
    const advisories = [osv('GO-1', 'a.test/a', '0', '1.0.1'), osv('GO-2', 'b.test/b', '0', '1.0.1')];
    const plan = await desk.plan({ advisories });
    expect(moves(plan)).toEqual([['b.test/b', 'v1.0.0', 'v1.0.1']]);
    expect(reasons(plan)).toEqual({ 'GO-1': 'a.test/a@v1.0.1 needs Go 1.28.0, and the toolchain is go1.27.3' });
  });

  it('avoids a version that an advisory touches, though another module asks for it', async () => {
    for (const name of ['a.test/a@v1.0.0', 'b.test/b@v1.0.0', 'b.test/b@v1.1.0', 'b.test/b@v1.1.1']) desk.publish(name);
    desk.publish('a.test/a@v1.0.1', { require: ['b.test/b@v1.1.0'] });
    await desk.component({ require: ['a.test/a@v1.0.0', 'b.test/b@v1.0.0'] });
    const advisories = [osv('GO-1', 'a.test/a', '0', '1.0.1'), osv('GO-2', 'b.test/b', '1.1.0', '1.1.1')];
    const plan = await desk.plan({ advisories });
    expect(moves(plan)).toContainEqual(['b.test/b', 'v1.0.0', 'v1.1.1']);
    expect(planOf(plan).changes.find((one) => one.path === 'b.test/b')?.cause).toEqual({
      kind: 'avoids',
      version: 'v1.1.0',
      reason: 'GO-2 touches it',
    });
  });

  it('adds the module of a package that a raised module newly imports', async () => {
    for (const name of ['a.test/a@v1.0.0', 'n.test/n@v0.3.0']) desk.publish(name, {}, { 'sub/y.go': 'package sub\n' });
    desk.publish('n.test/n/sub@v0.1.0'); // the longer path, but without such a package in the graph
    desk.publish('a.test/a@v1.0.1', { require: ['n.test/n@v0.3.0'] });
    await desk.component({ require: ['a.test/a@v1.0.0'] });
    const goSays = (goMod: string) =>
      goMod.includes('n.test/n v0.3.0')
        ? ''
        : 'n.test/n/sub "no required module provides package n.test/n/sub; to add it:\\n\\tgo get n.test/n/sub"\n';
    const plan = await desk.plan({ advisories: [osv('GO-1', 'a.test/a', '0', '1.0.1')], goSays });
    expect(planOf(plan).changes.find((one) => one.path === 'n.test/n')).toMatchObject({
      to: 'v0.3.0',
      indirect: true,
      cause: { kind: 'imported', package: 'n.test/n/sub' },
    });
    expect(planOf(plan).overlay?.sums.find((one) => one.path === 'n.test/n')?.zipHash).toMatch(/^h1:/);
  });

  it('leaves a module that go.mod replaces', async () => {
    for (const name of ['a.test/a@v1.0.0', 'a.test/a@v1.0.1']) desk.publish(name);
    await desk.component({ require: ['a.test/a@v1.0.0'], lines: ['replace a.test/a => a.test/a v1.0.0'] });
    const plan = await desk.plan({ advisories: [osv('GO-1', 'a.test/a', '0', '1.0.1')] });
    expect(reasons(plan)).toEqual({ 'GO-1': "go.mod replaces a.test/a, and replacements are upstream's to change" });
  });

  it("tells what upstream's own next release fixes, and stays within it when asked to", async () => {
    for (const version of ['v1.0.0', 'v1.0.1', 'v1.0.2']) desk.publish(`a.test/a@${version}`);
    for (const version of ['v1.0.0', 'v1.0.1']) desk.publish(`b.test/b@${version}`);
    await desk.component({ require: ['a.test/a@v1.0.0', 'b.test/b@v1.0.0'] });
    desk.publish('main.test/main@v1.0.1', { require: ['a.test/a@v1.0.1', 'b.test/b@v1.0.1'] });
    const advisories = [osv('GO-1', 'a.test/a', '0', '1.0.2'), osv('GO-2', 'b.test/b', '0', '1.0.1')];
    const free = await desk.plan({ advisories });
    expect(planOf(free).upstream.best).toEqual({ version: 'v1.0.1', fixes: ['GO-2'] });
    expect(planOf(free).changes).toMatchObject([{ to: 'v1.0.2', pastUpstream: 'v1.0.1' }, { to: 'v1.0.1' }]);
    const strict = await desk.plan({ advisories, policy: { pastUpstream: false } });
    expect(moves(strict)).toEqual([['b.test/b', 'v1.0.0', 'v1.0.1']]);
    expect(reasons(strict)['GO-1']).toContain('past v1.0.1');
  });

  it('moves the toolchain to the least patched release of a supported series that is served', async () => {
    desk.publish('a.test/a@v1.0.0');
    const platform: Platform = 'linux/amd64';
    desk.proxy.publish({ ...toolchainModule('go1.27.5', platform), files: { 'bin/go': '' } });
    await desk.component({ require: ['a.test/a@v1.0.0'] });
    const advisories = [
      osv('GO-1', 'stdlib', '0', '1.26.9', '1.27.0', '1.27.4'), // go1.27.4 is not served
      osv('GO-2', 'stdlib', '1.27.0', '1.27.5'),
    ];
    const plan = await desk.plan({ advisories });
    expect(plan.toolchain).toMatchObject({ from: 'go1.27.3', to: 'go1.27.5', fixed: ['GO-1', 'GO-2'], staying: [] });
  });
});

describe('an overlay', () => {
  const patch = {
    file: 'patches/main/fix.patch',
    text: '--- a/x.go\n+++ b/x.go\n@@ -1 +1,2 @@\n package main\n+// fixed\n',
  };

  async function planned() {
    for (const name of ['a.test/a@v1.0.0', 'a.test/a@v1.0.1']) desk.publish(name);
    await desk.component({ require: ['a.test/a@v1.0.0'] });
    const plan = await desk.plan({ advisories: [osv('GO-1', 'a.test/a', '0', '1.0.1')], patches: [patch] });
    const { overlay } = planOf(plan);
    if (overlay === undefined) throw new Error('no overlay was planned');
    const module = await desk.sources.prove({ path: 'main.test/main', version: 'v1.0.0' });
    const source = await desk.sources.compose(module, []);
    const { path, version, zipHash } = module;
    const tools = { sources: desk.sources, patches: [patch], modules: [{ path, version, zipHash }] };
    return { overlay, source: source.path, tools };
  }

  it('lays edits and patch files over a copy of the source', async () => {
    const { overlay, source, tools } = await planned();
    const { path } = await composeOverlay(source, overlay, tools);
    expect(await readFile(join(path, 'go.mod'), 'utf8')).toContain('a.test/a v1.0.1');
    expect(await readFile(join(path, 'go.sum'), 'utf8')).toContain('a.test/a v1.0.1 h1:');
    expect(await readFile(join(path, 'x.go'), 'utf8')).toBe('package main\n// fixed\n');
    expect(await readFile(join(source, 'x.go'), 'utf8')).toBe('package main\n');
  });

  it('is made anew where the copy of an earlier run was changed, with and without a known hash', async () => {
    const { overlay, source, tools } = await planned();
    const first = await composeOverlay(source, overlay, tools);
    for (const known of [overlay, { ...overlay, treeHash: first.treeHash }]) {
      await chmod(join(first.path, 'x.go'), 0o644);
      await writeFile(join(first.path, 'x.go'), 'package evil\n');
      expect((await composeOverlay(source, known, tools)).treeHash).toBe(first.treeHash);
      expect(await readFile(join(first.path, 'x.go'), 'utf8')).toContain('fixed');
    }
  });

  it('is refused where it does not come out as the lock says', async () => {
    const { overlay, source, tools } = await planned();
    const other = { ...overlay, treeHash: `h1:${'A'.repeat(43)}=` };
    await expect(composeOverlay(source, other, tools)).rejects.toMatchObject({ code: 'HASH_MISMATCH' });
    const edited = { ...overlay, goMod: `sha256:${'0'.repeat(64)}` as const };
    await expect(composeOverlay(source, edited, tools)).rejects.toMatchObject({ code: 'OVERLAY_DIFFERS' });
  });

  it('is refused with another patch file than the planned one, or one that no longer fits', async () => {
    const { overlay, source, tools } = await planned();
    const other = { ...tools, patches: [{ ...patch, text: `${patch.text}\n` }] };
    await expect(composeOverlay(source, overlay, other)).rejects.toMatchObject({ code: 'OVERLAY_DIFFERS' });
    const text = patch.text.replace(' package main', ' package other');
    const plan = await desk.plan({ advisories: [], patches: [{ ...patch, text }] });
    const misfit = planOf(plan).overlay;
    if (misfit === undefined) throw new Error('no overlay was planned');
    await expect(composeOverlay(source, misfit, { ...tools, patches: [{ ...patch, text }] })).rejects.toMatchObject({
      code: 'PATCH_DOES_NOT_APPLY',
      where: patch.file,
    });
  });
});
