// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeySigner } from '#evidence';
import { detected, event, published } from './__fixtures__/events.ts';
import { chain, type ChainPoint, formatLine, type LogLine, NOTHING, readChain } from './chain.ts';
import type { SlaEvent } from './events.ts';
import { appendEvents, type AppendOptions, checkLog, readSlaLog } from './log.ts';
import { sealedByKeys } from './seal.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = createKeySigner(privateKey);
const check = sealedByKeys([createPublicKey(privateKey)]);
const options: AppendOptions = { name: 'oakum', signer, check };

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-sla-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const several = (count: number, from = 0): SlaEvent[] =>
  Array.from({ length: count }, (_, index) =>
    event('detected', from + index, { severity: 'low', product: `p${index}` }),
  );

/** A log of three batches, as text. */
async function threeBatches(name: string): Promise<{ file: string; text: string; lines: LogLine[] }> {
  const file = join(folder, `${name}.jsonl`);
  for (const from of [0, 10, 20]) await appendEvents(file, () => several(3, from), options);
  const text = await readFile(file, 'utf8');
  return { file, text, lines: readChain(text).lines.map(({ line }) => line) };
}

/** Writes lines anew so that the chain holds, as somebody would who hides a change but has no key. */
function rechain(lines: readonly LogLine[]): string {
  let point: ChainPoint = NOTHING;
  return lines
    .map(({ entry }) => {
      const line = chain(entry, point);
      point = line;
      return formatLine(line);
    })
    .join('');
}

const faultsOf = async (text: string) => (await checkLog(text, 'log', { check })).faults;

describe('the event log', () => {
  it('gives back what was added, and is sound', async () => {
    const file = join(folder, 'sound.jsonl');
    await appendEvents(file, () => [detected()], options);
    const head = await appendEvents(file, () => [published(5)], options);
    const log = await readSlaLog(file, { check });
    expect(log).toMatchObject({ name: 'oakum', events: [detected(), published(5)], seals: 2, faults: [], head });
    expect(await readdir(folder)).toEqual(['sound.jsonl']);
  });

  it('is empty where there is no file', async () => {
    expect(await readSlaLog(join(folder, 'none'), { check })).toMatchObject({
      events: [],
      faults: [],
      head: undefined,
    });
  });

  it('shows an edited event at its line', async () => {
    const { text } = await threeBatches('edited');
    const rows = text.split('\n');
    rows[6] = (rows[6] ?? '').replace('"severity":"low"', '"severity":"critical"');
    expect(await faultsOf(rows.join('\n'))).toEqual([{ line: 7, message: expect.stringContaining('was changed') }]);
  });

  it('shows a deleted event where it is missing', async () => {
    const { text } = await threeBatches('deleted');
    const faults = await faultsOf(text.split('\n').toSpliced(6, 1).join('\n'));
    expect(faults).toEqual([{ line: 7, message: 'entry 6 is missing before this line' }]);
  });

  it('shows an event that was edited and given a new digest', async () => {
    const { text, lines } = await threeBatches('replaced');
    const [before, line] = [lines[5], lines[6]];
    if (before === undefined || line?.entry.kind !== 'event') throw new Error('no such line');
    const forged = chain({ kind: 'event', event: { ...line.entry.event, product: 'another' } }, before);
    const faults = await faultsOf(text.split('\n').toSpliced(6, 1, formatLine(forged).trimEnd()).join('\n'));
    expect(faults[0]).toEqual({ line: 7, message: expect.stringContaining('it was replaced') });
  });

  it('shows the batch of an event that was edited and chained anew to the end', async () => {
    const { lines } = await threeBatches('rechained');
    const forged = lines.map((line, index) =>
      index === 6 && line.entry.kind === 'event'
        ? { ...line, entry: { kind: 'event' as const, event: { ...line.entry.event, product: 'another' } } }
        : line,
    );
    const faults = await faultsOf(rechain(forged));
    expect(faults.map(({ line }) => line)).toEqual([9, 13]);
    expect(faults[0]?.message).toMatch(/seal does not fit entries 5 to 7/);
  });

  it('shows a seal by another key', async () => {
    const { text } = await threeBatches('key');
    const other = generateKeyPairSync('ed25519').publicKey;
    const log = await checkLog(text, 'log', { check: sealedByKeys([other]) });
    expect(log.faults.map(({ line }) => line)).toEqual([5, 9, 13]);
  });

  it('shows a cut at the end to who kept the head', async () => {
    const { text, lines } = await threeBatches('cut');
    const cut = `${text.split('\n').slice(0, 9).join('\n')}\n`;
    expect(await faultsOf(cut)).toEqual([]);
    const holds = lines.at(-1)?.digest;
    if (holds === undefined) throw new Error('no head');
    expect((await checkLog(cut, 'log', { check, holds })).faults).toEqual([
      { line: 10, message: expect.stringContaining('cut off') },
    ]);
    expect((await checkLog(text, 'log', { check, holds })).faults).toEqual([]);
  });

  it('shows a cut inside a batch, a half line and a line in another form', async () => {
    const { text } = await threeBatches('half');
    const rows = text.trimEnd().split('\n');
    expect((await faultsOf(`${rows.slice(0, -1).join('\n')}\n`))[0]?.message).toMatch(/not sealed/);
    expect((await faultsOf(text.slice(0, -20))).at(-1)?.message).toMatch(/cut off/);
    expect((await faultsOf(text.replace('{"digest"', '{ "digest"')))[0]).toMatchObject({ line: 1 });
  });

  it('is never added to when it is broken', async () => {
    const { file, text } = await threeBatches('broken');
    const broken = text.replace('"severity":"low"', '"severity":"high"');
    await writeFile(file, broken);
    await expect(appendEvents(file, () => several(1, 50), options)).rejects.toMatchObject({
      code: 'SLA_LOG_BROKEN',
      where: `${file}:2`,
    });
    expect(await readFile(file, 'utf8')).toBe(broken);
  });

  it('takes no event from before its last', async () => {
    const { file } = await threeBatches('order');
    await expect(appendEvents(file, () => several(1, 1), options)).rejects.toMatchObject({
      code: 'SLA_EVENTS_OUT_OF_ORDER',
    });
  });

  it('takes no event that it could not give back', async () => {
    const wrong = { ...detected(), at: '2026-08-05' };
    const file = join(folder, 'wrong.jsonl');
    await expect(appendEvents(file, () => [wrong], options)).rejects.toMatchObject({ code: 'SLA_EVENT_INVALID' });
    expect(await readSlaLog(file, { check })).toMatchObject({ events: [] });
  });

  it('loses nothing when several runs add at once', async () => {
    const file = join(folder, 'together.jsonl');
    await Promise.all(Array.from({ length: 8 }, () => appendEvents(file, () => [detected()], options)));
    expect(await readSlaLog(file, { check })).toMatchObject({ seals: 8, faults: [] });
  });
});

describe('any log', () => {
  const history = fc.array(fc.record({ gap: fc.nat(5), name: fc.string({ minLength: 1, maxLength: 8 }) }), {
    minLength: 3,
    maxLength: 12,
  });
  const linesOf = (some: readonly { gap: number; name: string }[]) => {
    let hours = 0;
    let point: ChainPoint = NOTHING;
    const entries = some.map(({ gap, name }) => {
      hours += gap;
      return { kind: 'event' as const, event: event('detected', hours, { severity: 'low', product: name }) };
    });
    return [{ kind: 'begin' as const, name: 'log', at: '2026-08-01T00:00:00.000Z' }, ...entries].map((entry) => {
      const line = chain(entry, point);
      point = line;
      return formatLine(line);
    });
  };

  it('has no fault as it was written', () => {
    fc.assert(
      fc.property(history, (some) => {
        expect(readChain(linesOf(some).join('')).faults).toEqual([]);
      }),
    );
  });

  it('shows the first missing line at its place', () => {
    fc.assert(
      fc.property(history, fc.nat(), (some, seed) => {
        const rows = linesOf(some);
        const gone = 1 + (seed % (rows.length - 2)); // Not the last: that is the seals' to show.
        const [first] = readChain(rows.toSpliced(gone, 1).join('')).faults;
        expect(first).toEqual({ line: gone + 1, message: `entry ${gone} is missing before this line` });
      }),
    );
  });

  it('shows any changed byte in its line or the one that follows from it', () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 127 }), (some, seed, place, flip) => {
        const rows = linesOf(some);
        const index = seed % rows.length;
        const bytes = Buffer.from(rows[index] ?? '');
        const at = place % (bytes.length - 1);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        const changed = bytes.toString('utf8');
        fc.pre(!changed.slice(0, -1).includes('\n') && changed !== rows[index]);
        const { faults } = readChain(rows.toSpliced(index, 1, changed).join(''));
        expect(faults[0]?.line).toBe(index + 1);
      }),
      { numRuns: 500 },
    );
  });

  it('never makes the reader throw', () => {
    fc.assert(fc.property(fc.string(), (text) => void readChain(text)));
  });
});
