// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { CELL_FILE, cellFolder, type CellRecord, readCells, staleReasons } from './cell-record.ts';

const [ONE, TWO] = [digestOf('one'), digestOf('two')];

function cell(changes: Partial<CellRecord> = {}): CellRecord {
  return {
    kubernetes: '1.36',
    channel: 'distroless',
    revision: '2.9.2-r0',
    verdict: 'passed',
    made: '2026-11-24T18:00:00.000Z',
    digest: digestOf('bundle'),
    versions: { kubernetes: '1.36.3', etcd: '3.4.23' },
    platform: 'linux/amd64',
    images: { 'source-controller': ONE, 'source-watcher': TWO },
    steps: [{ name: 'a step', verdict: 'passed', milliseconds: 12 }],
    logs: { 'etcd.log': digestOf('log') },
    ...changes,
  };
}

describe('kept cells', () => {
  let output: string;
  beforeEach(() => {
    output = mkdtempSync(join(tmpdir(), 'oakum-cells-'));
  });
  afterEach(() => rmSync(output, { recursive: true }));
  const keep = (one: CellRecord, text = JSON.stringify(one)) => {
    const folder = cellFolder(output, one);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, CELL_FILE), text);
  };

  it('are read back, oldest minor first, and none where nothing was tested', async () => {
    expect(await readCells(output)).toEqual([]);
    const cells = [cell({ kubernetes: '1.9' }), cell(), cell({ kubernetes: '1.101', channel: 'standard' })];
    for (const one of cells.toReversed()) keep(one);
    writeFileSync(join(cellFolder(output, cell()), 'etcd.log'), 'no cell');
    expect(await readCells(output)).toEqual(cells);
  });

  it.each(['{', '{}', JSON.stringify({ ...cell(), verdict: 'splendid' }), JSON.stringify({ ...cell(), more: 1 })])(
    'are refused where they are not as they were written: %s',
    async (text) => {
      keep(cell(), text);
      await expect(readCells(output)).rejects.toMatchObject({
        code: 'CELL_INVALID',
        where: join(cellFolder(output, cell()), CELL_FILE),
      });
    },
  );
});

describe('a cell', () => {
  const now = { images: cell().images, newestPatch: '1.36.3' };

  it('holds while images and Kubernetes are as they were', () => {
    expect(staleReasons(cell(), now)).toEqual([]);
    expect(staleReasons(cell(), { ...now, newestPatch: undefined })).toEqual([]);
    expect(staleReasons(cell(), { ...now, newestPatch: '1.36.1' })).toEqual([]);
  });

  it('grows stale by a newer patch, counted as a number', () => {
    expect(staleReasons(cell(), { ...now, newestPatch: '1.36.10' })).toEqual([
      'tested on Kubernetes 1.36.3, the newest is 1.36.10',
    ]);
  });

  it('says of a newer patch that it was not to be had then', () => {
    expect(staleReasons(cell({ newest: '1.36.3' }), { ...now, newestPatch: '1.36.4' })).toEqual([
      'tested on Kubernetes 1.36.3, the newest that the Go module proxy listed then; now the newest is 1.36.4',
    ]);
  });

  it('holds where the newer patch could not be built', () => {
    const passedOver = ['1.36.10', '1.36.4'];
    expect(staleReasons(cell({ passedOver }), { ...now, newestPatch: '1.36.10' })).toEqual([]);
    expect(staleReasons(cell({ passedOver }), { ...now, newestPatch: '1.36.11' })).toHaveLength(1);
  });

  it('grows stale by an image that is another, gone or new', () => {
    const images = { 'source-controller': TWO, 'helm-controller': ONE };
    expect(staleReasons(cell(), { ...now, images })).toEqual([
      'tested other images of helm-controller, source-controller, source-watcher',
    ]);
  });
});
