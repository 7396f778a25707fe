// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDesk } from './__fixtures__/desk.ts';
import { CVES, goodMirror, type MirrorFiles } from './__fixtures__/mirror.ts';
import { FEED_NAMES } from './feed.ts';

/** A way to break a file: cut it, set a byte, or put bytes into its middle. Places are shares of its length. */
interface Damage {
  readonly kind: 'cut' | 'set' | 'insert';
  readonly at: number;
  readonly bytes: Uint8Array;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom('cut', 'set', 'insert'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 4 }),
    fc
      .constantFrom('{', '}', '[', ']', '"', ',', '\\', '0', '\n', 'null', '-1', '1e999')
      .map((text) => Buffer.from(text)),
  ),
});

function broken(content: Uint8Array | string, { kind, at, bytes }: Damage): Buffer {
  const whole = Buffer.from(content);
  const place = Math.min(whole.length - 1, Math.floor(at * whole.length));
  if (kind === 'cut') return whole.subarray(0, place);
  const rest = kind === 'set' ? place + bytes.length : place;
  return Buffer.concat([whole.subarray(0, place), bytes, whole.subarray(rest)]);
}

describe('a broken mirror', () => {
  it('makes a feed fail, or is read as it is; nothing else happens, and what is held can be read', async () => {
    const good: MirrorFiles = goodMirror();
    const paths = Object.keys(good);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.array(damage, { minLength: 1, maxLength: 3 }),
        async (path, damages) => {
          const desk = await openDesk();
          try {
            desk.publish(good);
            desk.server.publish(path, damages.reduce(broken, Buffer.from(good[path] ?? '')));
            const updates = await desk.update();
            for (const { result, reading } of updates)
              expect(reading.state, reading.reason).toMatch(result === 'updated' ? /fresh|stale/ : /missing/);
            const open = desk.open();
            await open.advisories('Go', new Set(['example.com/m1']));
            await open.advisoriesById(new Set(['CVE-2026-0001']));
            await Promise.all([
              open.kev(new Set(CVES)),
              open.epss(new Set(CVES)),
              open.ssvc(new Set(CVES)),
              open.lifeCycles('go'),
            ]);
            expect(updates.map(({ name }) => name)).toEqual(FEED_NAMES);
          } finally {
            await desk.stop();
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
