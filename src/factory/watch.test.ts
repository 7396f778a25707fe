// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildError } from '#build';
import { createHttp, OakumError, type ReportEvent } from '#core';
import {
  newerReleases,
  PATCH_BUSY,
  type RoundOutcome,
  repeatRounds,
  type WatchedFinding,
  type WatchedScan,
  type WatchParts,
  type WatchPolicy,
  watchRound,
} from '#factory';
import { openPost, openTargets } from '#notifications';
import type { PatchPlan } from '#patch';
import { createTestClock, type Loopback, startLoopback } from '#testing';
import type { FeedReading } from '#vulnerabilities';

let folder: string;
let receiver: Loopback;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-watch-'));
  receiver = await startLoopback(() => ({ status: 200 }));
});
afterAll(async () => {
  await receiver.stop();
  await rm(folder, { recursive: true });
});

const FINDING: WatchedFinding = {
  id: 'GO-2026-0001',
  aliases: ['CVE-2026-10001'],
  severity: 'high',
  exploited: false,
  package: 'golang.org/x/net',
  version: 'v0.1.0',
  fix: 'v0.2.0',
  summary: 'A flaw',
  components: ['alpha'],
};
const SCAN: WatchedScan = {
  release: '2.9.2',
  revision: '2.9.2-r0',
  findings: [FINDING],
  forecast: [],
  unbuildable: [],
};
const POLICY: WatchPolicy = { patch: 'auto', automatic: ['critical', 'high'], breachWithin: 24 };

function planOf(verdict: PatchPlan['verdict']): PatchPlan {
  const toolchain = { from: 'go1.27.3', fixed: verdict === 'changes' ? [FINDING.id] : [], staying: [], notes: [] };
  const names = { release: '2.9.2', predecessor: '2.9.2-r0', revision: '2.9.2-r1' };
  return { ...names, toolchain, bases: [], components: [], feeds: [], verdict };
}

/** Steps that find one flaw, and note what was called. */
function fakes(change: Partial<WatchParts> = {}): WatchParts & { readonly calls: string[] } {
  const calls: string[] = [];
  const parts: WatchParts = {
    refreshFeeds: async () => [],
    newerReleases: async () => [],
    scan: async () => SCAN,
    plan: async () => planOf('nothing'),
    patch: async () => ({ revision: '2.9.2-r1', fixed: [FINDING.id], images: [] }),
    request: async (release, plan) => `${release}-${plan?.verdict ?? 'none'}.json`,
    ...change,
  };
  const noted = Object.entries(parts).map(([name, run]: [string, (...given: never[]) => unknown]) => {
    return [name, (...given: never[]) => (calls.push(name), run(...given))];
  });
  return { ...(Object.fromEntries(noted) as WatchParts), calls };
}

interface Setting {
  /** Rounds of the same name share their record, as those of one process after another do. */
  readonly name: string;
  readonly parts: WatchParts;
  readonly policy?: Partial<WatchPolicy>;
  readonly releases?: readonly string[];
  readonly stop?: AbortController;
  readonly events?: ReportEvent[];
}

async function round({ name, parts, policy, releases = ['2.9'], stop, events = [] }: Setting): Promise<RoundOutcome> {
  const clock = createTestClock('2026-08-21T12:00:00Z');
  const { signal } = stop ?? new AbortController();
  const places = { env: { HOOK: receiver.url }, folder };
  const targets = await openTargets([{ kind: 'json', url: { env: 'HOOK' } }], places);
  const file = join(folder, `${name}.json`);
  const post = await openPost({ file, distribution: 'test', targets, http: createHttp({ clock }), clock, signal });
  const report = (event: ReportEvent) => void events.push(event);
  return watchRound({ releases, policy: { ...POLICY, ...policy }, parts, post, clock, report, signal });
}

const kinds = ({ told }: RoundOutcome) => told.map(({ kind }) => kind);
const received = () => receiver.requests.map(({ body }) => JSON.parse(body.toString()) as { kind: string });

describe('a round of the watch', () => {
  it('tells a new finding once, also after a restart, and in a later revision', async () => {
    expect(kinds(await round({ name: 'once', parts: fakes() }))).toEqual(['finding.new']);
    const later = { ...SCAN, revision: '2.9.2-r1' };
    const again = await round({ name: 'once', parts: fakes({ scan: async () => later }) });
    expect(kinds(again)).toEqual([]);
    const more = { ...SCAN, findings: [FINDING, { ...FINDING, id: 'GO-2026-0002' }] };
    const third = await round({ name: 'once', parts: fakes({ scan: async () => more }) });
    expect(third.told.map(({ subject }) => subject)).toEqual(['GO-2026-0002']);
  });

  it('keeps what could not be delivered for the next round', async () => {
    receiver.answerNext({ status: 400 });
    const first = await round({ name: 'kept', parts: fakes() });
    expect(first.undelivered).toMatchObject([{ target: 'json HOOK' }]);
    const before = received().length;
    const second = await round({ name: 'kept', parts: fakes() });
    expect([second.told, second.undelivered]).toEqual([[], []]);
    expect(received().slice(before)).toMatchObject([{ kind: 'finding.new' }]);
  });

  it('patches what the policy allows, tells of the finding before it builds, and scans what it published', async () => {
    let heard: readonly string[] = [];
    const before = received().length;
    const parts = fakes({
      plan: async () => planOf('changes'),
      patch: async () => {
        heard = received()
          .slice(before)
          .map(({ kind }) => kind);
        return { revision: '2.9.2-r1', fixed: [FINDING.id], images: [] };
      },
    });
    const outcome = await round({ name: 'auto', parts });
    expect(heard).toEqual(['finding.new']);
    expect(kinds(outcome)).toEqual(['finding.new', 'fix.published']);
    expect(outcome.published).toEqual(['2.9.2-r1']);
    expect(parts.calls).toEqual(['refreshFeeds', 'newerReleases', 'scan', 'plan', 'patch', 'scan', 'request']);
  });

  it('finishes a revision that is locked but not published, and leaves alone one that is', async () => {
    const held = async () => ({ ...planOf('held'), predecessor: '2.9.2-r1', revision: '2.9.2-r2' });
    expect((await round({ name: 'held', parts: fakes({ plan: held }) })).published).toEqual(['2.9.2-r1']);
    const scan = async () => ({ ...SCAN, revision: '2.9.2-r1' });
    const parts = fakes({ plan: held, scan });
    expect((await round({ name: 'held', parts })).published).toEqual([]);
    expect(parts.calls).not.toContain('patch');
  });

  it('asks where it is told to ask, where the severity is not one for it alone, and only once', async () => {
    const parts = () => fakes({ plan: async () => planOf('changes') });
    for (const policy of [{ patch: 'ask' }, { automatic: ['critical'] }] as const) {
      const name = `ask-${Object.keys(policy)[0]}`;
      const first = parts();
      const outcome = await round({ name, parts: first, policy });
      expect(kinds(outcome)).toEqual(['finding.new', 'decision.needed']);
      expect(outcome.decisions).toEqual(['2.9.2-changes.json']);
      expect(first.calls).not.toContain('patch');
      const second = await round({ name, parts: parts(), policy });
      expect([kinds(second), second.decisions]).toEqual([[], ['2.9.2-changes.json']]);
    }
  });

  it('neither tries nor asks for what is known not to build', async () => {
    for (const patch of ['auto', 'ask'] as const) {
      const scan = async () => ({ ...SCAN, unbuildable: [FINDING.id] });
      const parts = fakes({ scan, plan: async () => planOf('changes') });
      const outcome = await round({ name: `tried-${patch}`, parts, policy: { patch } });
      expect([kinds(outcome), outcome.decisions]).toEqual([['finding.new'], []]);
      expect(parts.calls).not.toContain('patch');
    }
  });

  it('tells of a build that fails, once, and goes on with the next release', async () => {
    const scanned: string[] = [];
    const parts = () =>
      fakes({
        scan: async (release) => {
          scanned.push(release);
          return SCAN;
        },
        plan: async () => planOf('changes'),
        patch: async () => {
          throw new BuildError('COMPILE_FAILED', 'main.go:9: undefined: Call');
        },
      });
    const outcome = await round({ name: 'broken', parts: parts(), releases: ['2.9', '2.8'] });
    expect(kinds(outcome)).toEqual(['finding.new', 'build.failed']);
    expect(outcome.told[1]?.text).toContain('main.go:9: undefined: Call');
    expect(outcome.failed).toEqual(['2.9.2-r1', '2.9.2-r1']);
    expect(scanned).toEqual(['2.9', '2.8']);
    expect(kinds(await round({ name: 'broken', parts: parts() }))).toEqual([]);
  });

  it('leaves a patch that somebody makes by hand just now to the next round, and tells nobody that it failed', async () => {
    const patch = () => Promise.reject(new OakumError('machine', PATCH_BUSY, 'another patch with this lock runs'));
    const parts = fakes({ plan: async () => planOf('changes'), patch });
    const outcome = await round({ name: 'busy', parts });
    expect(outcome).toMatchObject({ published: [], failed: [], faults: [{ step: 'patch', code: PATCH_BUSY }] });
    expect(kinds(outcome)).toEqual(['finding.new']);
  });

  it('does what does not depend on a step that failed, and says what was left undone', async () => {
    const events: ReportEvent[] = [];
    const parts = fakes({
      refreshFeeds: () => Promise.reject(new Error('the disk is gone')),
      newerReleases: () => Promise.reject(new Error('no proxy')),
    });
    const outcome = await round({ name: 'faults', parts, events });
    expect(kinds(outcome)).toEqual(['finding.new']);
    expect(outcome.faults.map(({ step, message }) => [step, message])).toEqual([
      ['refresh feeds', 'the disk is gone'],
      ['look for upstream releases', 'no proxy'],
    ]);
    expect(events).toHaveLength(2);
  });

  it('tells stale feeds, releases of upstream, and breaches that are near, each when it changes', async () => {
    const feed = (checkedAt: string): FeedReading => ({
      name: 'go',
      state: 'faulty',
      reason: 'too old',
      checkedAt: new Date(checkedAt),
      maxAgeDays: 7,
    });
    const due = (hoursLeft: number, vulnerability: string) => ({
      vulnerability,
      product: '2.9/distroless/alpha',
      severity: 'high' as const,
      dueAt: new Date('2026-08-22T12:00:00Z'),
      hoursLeft,
      fixAvailable: true,
    });
    const parts = (checkedAt: string) =>
      fakes({
        refreshFeeds: async () => [feed(checkedAt)],
        newerReleases: async () => ['2.9.3'],
        scan: async () => ({ ...SCAN, findings: [], forecast: [due(24, 'NEAR'), due(25, 'FAR')] }),
      });
    const first = await round({ name: 'kinds', parts: parts('2026-08-01T00:00:00Z') });
    expect(first.told.map(({ kind, subject }) => [kind, subject])).toEqual([
      ['feed.stale', 'go'],
      ['release.upstream', '2.9.3'],
      ['breach.ahead', 'NEAR'],
    ]);
    expect(kinds(await round({ name: 'kinds', parts: parts('2026-08-01T00:00:00Z') }))).toEqual([]);
    expect(kinds(await round({ name: 'kinds', parts: parts('2026-08-09T00:00:00Z') }))).toEqual(['feed.stale']);
  });

  it('stops when it is told to, and the next one goes on', async () => {
    const stop = new AbortController();
    const parts = fakes({
      plan: async () => {
        stop.abort(new Error('stopped'));
        throw new Error('killed');
      },
    });
    await expect(round({ name: 'stopped', parts, stop })).rejects.toThrow('stopped');
    const before = received().length;
    const next = await round({ name: 'stopped', parts: fakes() });
    expect(kinds(next)).toEqual([]); // it was told by the round that was stopped ...
    expect(received().slice(before)).toMatchObject([{ kind: 'finding.new' }]); // ... and is delivered by this one
  });
});

describe('rounds', () => {
  it('come each so many hours after the start of the one before, until they are stopped', async () => {
    const clock = createTestClock();
    const stop = new AbortController();
    let rounds = 0;
    const run = repeatRounds(
      6,
      async () => {
        rounds += 1;
        clock.advance(rounds === 2 ? 7 * 3_600_000 : 600_000);
        if (rounds === 3) stop.abort(new Error('stopped'));
      },
      { clock, signal: stop.signal },
    );
    await expect(run).rejects.toThrow('stopped');
    expect(clock.slept).toEqual([6 * 3_600_000 - 600_000, 0]);
  });
});

describe('newer releases', () => {
  it('are those above the present one, in the order of their versions, without pre-releases', async () => {
    const versions = async (path: string) =>
      path === 'github.com/fluxcd/flux2/v2' ? ['v2.10.0', 'v2.9.2', 'v2.9.3', 'v2.11.0-rc.1', 'v2.8.9'] : [];
    expect(await newerReleases('2.9.2', { versions })).toEqual(['2.9.3', '2.10.0']);
  });
});
