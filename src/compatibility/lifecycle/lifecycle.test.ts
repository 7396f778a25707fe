// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { realCycles, SETTINGS } from './__fixtures__/calendars.ts';
import type { CompatibilityCell } from './cell.ts';
import { answer, type Lifecycle, type LifecycleSettings, readLifecycle } from './lifecycle.ts';
import type { Provider } from './products.ts';

const NOW = new Date('2026-08-21T12:00:00Z');

/** When endoflife.date says lines ended, which it keeps by hand. */
const ENDED = [
  ['2.6', '2026-06-30'],
  ['2.5', '2026-02-24'],
  ['2.4', '2025-09-30'],
  ['2.3', '2025-05-29'],
  ['2.2', '2025-02-20'],
  ['2.1', '2024-09-30'],
  ['2.0', '2024-05-13'],
];

const lifecycleOn = (day: string, settings: Partial<LifecycleSettings> = {}) =>
  readLifecycle({ cycles: realCycles, settings: { ...SETTINGS, ...settings }, now: new Date(`${day}T12:00:00Z`) });

function ask(
  lifecycle: Lifecycle,
  asked: { kubernetes?: string; provider?: Provider; cells?: CompatibilityCell[] } = {},
) {
  const revisionOf = (line: string) => (line === '2.9' ? '2.9.2-r1' : undefined);
  const now = new Date(`${lifecycle.today}T12:00:00Z`);
  return answer(lifecycle, { channels: ['distroless'], cells: [], revisionOf, now, ...asked });
}

describe('the lifecycle', () => {
  it('supports three lines for the newest six minors, and says which release ends them', async () => {
    const { lines, latestKubernetes } = await lifecycleOn('2026-08-21');
    expect(latestKubernetes).toEqual(['1.36', '1.35', '1.34', '1.33', '1.32', '1.31']);
    expect(lines.map(({ line, state, until, endsWith }) => [line, state, until, endsWith])).toEqual([
      ['2.9', 'supported', undefined, '2.12'],
      ['2.8', 'supported', undefined, '2.11'],
      ['2.7', 'supported', undefined, '2.10'],
      ...ENDED.map(([line, until]) => [line, 'ended', until, undefined]),
    ]);
  });

  // What another distribution of Flux publishes: six minors on the day a line came out, and for some a seventh that came out while the line
  // was the newest.
  it.each([
    ['2.9', '2026-06-30', '2026-06-30', '1.31 1.32 1.33 1.34 1.35 1.36'],
    ['2.8', '2026-02-24', '2026-02-24', '1.30 1.31 1.32 1.33 1.34 1.35'],
    ['2.7', '2025-09-30', '2026-02-23', '1.29 1.30 1.31 1.32 1.33 1.34 1.35'],
    ['2.6', '2025-05-29', '2025-05-29', '1.28 1.29 1.30 1.31 1.32 1.33'],
    ['2.5', '2025-02-20', '2025-05-28', '1.27 1.28 1.29 1.30 1.31 1.32 1.33'],
  ])('is for %s, from %s to %s, for the minors that the field lists', async (line, from, to, minors) => {
    const on = async (day: string) => (await lifecycleOn(day)).lines.find((one) => one.line === line);
    const [first, last] = [await on(from), await on(to)];
    expect([first?.state, last?.state]).toEqual(['supported', 'supported']);
    expect([...new Set([...(first?.kubernetes ?? []), ...(last?.kubernetes ?? [])])].join(' ')).toBe(minors);
  });

  it('is for the minors of OpenShift that the field lists for 2.9, and for one that came out since', async () => {
    const fits = ask(await lifecycleOn('2026-06-30'), { provider: 'openshift' }).filter(({ line }) => line === '2.9');
    const cycles = fits.flatMap(({ providers }) => providers.map(({ cycle }) => cycle));
    expect(cycles).toEqual(['4.22', '4.21', '4.20', '4.19', '4.18']);
  });

  it('ends a line with the day its third successor comes out, and keeps the minors it had then', async () => {
    const on = async (day: string) => (await lifecycleOn(day)).lines.find(({ line }) => line === '2.6');
    expect((await on('2026-06-30'))?.state).toBe('supported');
    expect(await on('2026-07-01')).toMatchObject({
      state: 'ended',
      kubernetes: expect.arrayContaining(['1.31', '1.36']),
    });
    expect((await on('2027-12-31'))?.kubernetes).toEqual((await on('2026-06-30'))?.kubernetes);
  });

  it('supports a line on for long, for the minors that the definition names', async () => {
    const lts = { '2.6': { until: '2026-11-01', kubernetes: ['1.29', '1.28'] } };
    const { lines, endings } = await lifecycleOn('2026-08-21', { lts });
    const line = lines.find((one) => one.line === '2.6');
    expect(line).toMatchObject({ state: 'lts', until: '2026-11-01', lts: '2026-11-01', kubernetes: ['1.28', '1.29'] });
    expect(endings).toContainEqual({ day: '2026-11-01', days: 72, what: 'Flux 2.6: long-term support' });
    const later = await lifecycleOn('2026-11-02', { lts });
    expect(later.lines.find((one) => one.line === '2.6')?.state).toBe('ended');
  });

  it('takes an override before the feed, and says where the two differ', async () => {
    const noted = '2026-11-24';
    const source = 'https://example.com/dates';
    const { latestKubernetes, dissents, calendars, lines } = await lifecycleOn('2026-11-24', {
      overrides: [
        { product: 'kubernetes', cycle: '1.37', released: '2026-08-26', noted, source },
        { product: 'eks', cycle: '1.34', standard: '2027-01-05', noted, source },
        { product: 'flux', cycle: '2.7', standard: '2026-12-31', noted, source },
      ],
    });
    expect(latestKubernetes).toEqual(['1.37', '1.36', '1.35', '1.34', '1.33', '1.32']);
    expect(calendars.eks.cycles.find(({ cycle }) => cycle === '1.34')).toMatchObject({
      standard: { until: '2027-01-05', from: 'override', source },
      extended: { until: '2027-12-02', from: 'feed' },
    });
    expect(lines.find(({ line }) => line === '2.7')).toMatchObject({ state: 'supported', until: '2026-12-31' });
    expect(dissents).toEqual([
      'Amazon EKS 1.34, end of standard support: the definition says 2027-01-05 (noted 2026-11-24), the feed 2026-12-02',
    ]);
  });

  it('says what the definition names and no calendar has', async () => {
    const lts = { '2.66': { until: '2027-01-01' }, '2.6': { until: '2027-01-01', kubernetes: ['1.30', '1.03'] } };
    expect((await lifecycleOn('2026-08-21', { lts })).dissents).toEqual([
      'the definition gives Flux 2.66 long-term support, and no calendar has that line',
      'the definition names Kubernetes 1.03 for Flux 2.6, and no calendar has that minor',
    ]);
  });

  it('warns of what ends within 90 days, soonest first', async () => {
    const { endings } = await lifecycleOn('2026-08-21');
    expect(endings.map(({ day, days, what }) => `${day} ${days} ${what}`)).toEqual([
      '2026-08-25 4 Red Hat OpenShift 4.18 (Kubernetes 1.31): standard support',
      '2026-10-01 41 Google GKE 1.34: standard support',
      '2026-10-25 65 Google GKE 1.31: extended support',
      '2026-10-27 67 Kubernetes 1.34: upstream support',
    ]);
    const inNovember = await lifecycleOn('2026-11-24');
    expect(inNovember.endings.map(({ day, what }) => `${day} ${what}`)).toEqual([
      '2026-11-26 Amazon EKS 1.31: extended support',
      '2026-11-30 Azure AKS 1.31: long-term support',
      '2026-11-30 Azure AKS 1.34: standard support',
      '2026-12-02 Amazon EKS 1.34: standard support',
      '2026-12-17 Red Hat OpenShift 4.19 (Kubernetes 1.32): standard support',
      '2027-02-11 Google GKE 1.32: extended support',
    ]);
  });

  it('says which feed is missing and how to get it', async () => {
    const cycles = async (product: string) => (product === 'kubernetes' ? undefined : realCycles(product));
    await expect(readLifecycle({ cycles, settings: SETTINGS, now: NOW })).rejects.toMatchObject({
      code: 'CALENDAR_MISSING',
      message: expect.stringContaining('"kubernetes"'),
      hint: expect.stringContaining('oakum feeds update --feed endoflife'),
    });
    const few = async (product: string) => (product === 'amazon-eks' ? undefined : realCycles(product));
    expect((await readLifecycle({ cycles: few, settings: SETTINGS, now: NOW })).missing).toEqual(['eks']);
  });

  it('refuses a day that is none, in its place', async () => {
    const cycles = async (product: string) =>
      product === 'amazon-eks' ? [{ cycle: '1.36', released: '2026-02-30' }] : realCycles(product);
    await expect(readLifecycle({ cycles, settings: SETTINGS, now: NOW })).rejects.toMatchObject({
      code: 'CALENDAR_INVALID',
      message: expect.stringContaining('Amazon EKS 1.36'),
    });
  });
});

describe('what fits', () => {
  it('is every supported line with its six minors, and on a provider what that supports', async () => {
    const lifecycle = await lifecycleOn('2026-11-25', {
      overrides: [
        { product: 'kubernetes', cycle: '1.37', released: '2026-08-26', noted: '2026-11-24', source: 'https://x.y' },
      ],
    });
    const minors = (provider?: Provider) =>
      ask(lifecycle, provider === undefined ? {} : { provider })
        .filter(({ line }) => line === '2.9')
        .map(({ kubernetes, basis, until }) => `${kubernetes} ${basis} ${until ?? 'open'}`);
    expect(minors()).toEqual([
      '1.37 window open',
      '1.36 window open',
      '1.35 window open',
      '1.34 window open',
      '1.33 window open',
      '1.32 window open',
      '1.31 provider 2027-02-25',
    ]);
    expect(minors('eks')).toEqual([
      '1.36 window 2028-08-02',
      '1.35 window 2028-03-27',
      '1.34 window 2027-12-02',
      '1.33 window 2027-07-29',
      '1.32 window 2027-03-23',
      '1.31 provider 2026-11-26',
    ]);
    expect(minors('gke').at(-1)).toBe('1.32 window 2027-02-11');
    const [eus] = ask(lifecycle, { provider: 'openshift', kubernetes: '4.18' });
    expect(eus).toMatchObject({
      kubernetes: '1.31',
      basis: 'provider',
      until: '2027-02-25',
      providers: [{ provider: 'openshift', cycle: '4.18', stage: 'extended' }],
    });
  });

  it('refuses a minor that no calendar has', async () => {
    const lifecycle = await lifecycleOn('2026-08-21');
    expect(() => ask(lifecycle, { kubernetes: '1.99' })).toThrow(expect.objectContaining({ code: 'MINOR_UNKNOWN' }));
    expect(ask(lifecycle, { kubernetes: '1.27' })).toEqual([]);
    const same = ['1.33', 'v1.33', '1.33.7', 'v1.33.7-eks-1', '4.20', '4.20.5'].map((kubernetes) =>
      ask(lifecycle, { kubernetes }),
    );
    expect(new Set(same.map((fits) => fits.map((fit) => `${fit.line} ${fit.kubernetes}`).join()))).toEqual(
      new Set(['2.9 1.33,2.8 1.33,2.7 1.33']),
    );
  });

  it('tells what was tested, what grew stale and what was not', async () => {
    const lifecycle = await lifecycleOn('2026-08-21');
    const cell = (given: Partial<CompatibilityCell>): CompatibilityCell => ({
      kubernetes: '1.36',
      channel: 'distroless',
      revision: '2.9.2-r1',
      verdict: 'passed',
      made: '2026-08-20T10:00:00Z',
      digest: digestOf('log'),
      versions: { kubernetes: '1.36.4' },
      ...given,
    });
    const read = (kubernetes: string, cells: CompatibilityCell[]) =>
      ask(lifecycle, { kubernetes, cells }).find(({ line }) => line === '2.9')?.evidence[0];
    expect(read('1.36', [])).toMatchObject({ state: 'not tested' });
    expect(read('1.35', [cell({})])).toMatchObject({ state: 'not tested' });
    expect(read('1.36', [cell({ revision: '2.8.8-r0' }), cell({ channel: 'fips' })])).toMatchObject({
      state: 'not tested',
    });
    expect(read('1.36', [cell({ made: '2026-09-01T00:00:00Z' })])).toMatchObject({ state: 'not tested' });
    expect(read('1.36', [cell({})])).toMatchObject({ state: 'passed', reasons: [], notes: [] });
    expect(read('1.36', [cell({ versions: { kubernetes: '1.36.3' }, passedOver: ['1.36.4'] })])).toMatchObject({
      state: 'passed',
      notes: [expect.stringContaining('1.36.4 could not be built')],
    });
    expect(read('1.36', [cell({}), cell({ verdict: 'failed', made: '2026-08-21T10:00:00Z' })])).toMatchObject({
      state: 'failed',
    });
    expect(read('1.36', [cell({ revision: '2.9.2-r0', versions: { kubernetes: 'v1.36.3' } })])).toMatchObject({
      state: 'stale',
      reasons: ['tested 2.9.2-r0, the newest is 2.9.2-r1', 'tested on Kubernetes 1.36.3, the newest is 1.36.4'],
      cell: { verdict: 'passed' },
    });
    expect(read('1.36', [cell({ versions: { kubernetes: '1.36.9' } })])).toMatchObject({ state: 'passed' });
    // The same run as its release document tells of it, and as it was left beside it.
    const kept = cell({ versions: { kubernetes: '1.36.3' }, outdated: ['the images are others'] });
    for (const cells of [
      [cell({ versions: {} }), kept],
      [kept, cell({ versions: {} })],
    ])
      expect(read('1.36', cells)).toMatchObject({
        state: 'stale',
        reasons: [expect.stringContaining('images'), expect.any(String)],
      });
  });
});
