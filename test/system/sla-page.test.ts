// SPDX-License-Identifier: Apache-2.0
// The page of `oakum sla report` in a real browser: it asks for nothing, says nothing on the console, fits, and can be read, by axe's rules too.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatSlaHtml, reportSla, SLA_POLICIES } from '#vulnerabilities';
import { detected, event, hour, published } from '../../src/vulnerabilities/sla/__fixtures__/events.ts';

const CHROMIUM = '/usr/bin/chromium';
const of = (product: string, ...events: readonly ReturnType<typeof event>[]) =>
  events.map((one) => ({ ...one, product }));

/** Every state that a clock can be in, the names that they have in practice, and one that is too long for any column. */
const EVENTS = [
  ...of('2.9/distroless/source-controller', detected(), published(10)),
  ...of('2.9/distroless/kustomize-controller', detected(), published(100)),
  ...of('2.9/distroless/helm-controller', detected()),
  ...of('2.9/distroless/notification-controller', detected(42)),
  ...of('2.9/distroless/image-reflector-controller', detected(90, 'low')),
  ...of(
    '2.9/distroless/image-automation-controller',
    detected(),
    event('assessed', 5, {
      status: 'not_affected',
      reason: `The vulnerable function is not called: ${'govulncheck/'.repeat(12)}`,
    }),
  ),
  ...of(`2.9/distroless/${'long'.repeat(30)}`, detected(80, 'unknown')),
].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
const WAITING = [{ ...detected(20, 'high'), product: '2.9/distroless/source-watcher' }];

const page = (events: typeof EVENTS, policy: keyof typeof SLA_POLICIES) =>
  formatSlaHtml(reportSla(SLA_POLICIES[policy], events, { from: hour(0), to: hour(110) }), {
    title: 'Example Works: remediation of vulnerabilities',
    provenance: [
      `The log's last line is 42, sha256:${'0123456789abcdef'.repeat(4)}.`,
      'All of it is sealed by the key oakum.pub.',
    ],
  });
const PAGES = {
  full: page(EVENTS, 'from-identification'),
  waiting: page(WAITING, 'from-upstream-fix'),
  empty: page([], 'from-identification'),
};

const VIEWS = [
  ['wide and light', 1400, 'light'],
  ['wide and dark', 1400, 'dark'],
  ['narrow and light', 360, 'light'],
  ['narrow and dark', 360, 'dark'],
] as const;

describe.skipIf(!existsSync(CHROMIUM))('the page of an SLA report', () => {
  let folder: string;
  let browser: Browser;
  let axe: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-page-'));
    for (const [name, html] of Object.entries(PAGES)) await writeFile(join(folder, `${name}.html`), html);
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }); // root may not have Chromium's own
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  /** Opens a page; gives it with all that it said and asked for. */
  async function open(name: string, width: number, colorScheme: 'light' | 'dark') {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, locale: 'en-GB' });
    const shown = await context.newPage();
    const told: string[] = [];
    shown.on('console', (message) => told.push(message.text()));
    shown.on('pageerror', (error) => told.push(error.message));
    const asked: string[] = [];
    shown.on('request', (request) => asked.push(request.url()));
    const url = pathToFileURL(join(folder, `${name}.html`)).href;
    await shown.goto(url, { waitUntil: 'networkidle' });
    if (process.env['OAKUM_SCREENSHOTS'] !== undefined)
      await shown.screenshot({
        path: join(process.env['OAKUM_SCREENSHOTS'], `${name}-${width}-${colorScheme}.png`),
        fullPage: true,
      });
    return { shown, told, asked: asked.filter((one) => one !== url), close: () => context.close() };
  }

  async function faults(shown: Page): Promise<readonly string[]> {
    await shown.evaluate(axe);
    const { violations } = await shown.evaluate<AxeResults>('axe.run()');
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' ')}`);
  }

  for (const [view, width, colorScheme] of VIEWS) {
    for (const name of Object.keys(PAGES)) {
      it(`is quiet, alone, and good to read: ${name}, ${view}`, async () => {
        const { shown, told, asked, close } = await open(name, width, colorScheme);
        expect(told).toEqual([]);
        expect(asked).toEqual([]);
        expect(await faults(shown)).toEqual([]);
        // The page itself never scrolls sideways; a table may, within its own frame.
        expect(await shown.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBeLessThanOrEqual(0);
        await close();
      });
    }
  }

  it('shows each state, and the reason of each', async () => {
    const { shown, close } = await open('full', 1400, 'light');
    const text = await shown.innerText('body');
    for (const state of ['met', 'missed', 'breached', 'at-risk', 'running', 'excused']) expect(text).toContain(state);
    for (const row of await shown.getByRole('row').all()) expect(await row.isVisible()).toBe(true);
    expect(await shown.getByRole('columnheader', { name: 'Due' }).count()).toBeGreaterThan(0);
    await close();
  });

  it('fits on paper', async () => {
    const { shown, close } = await open('full', 1400, 'light');
    const pdf = await shown.pdf({ preferCSSPageSize: true });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    await close();
  });
});
