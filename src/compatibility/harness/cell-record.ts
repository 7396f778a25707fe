// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Digest, isDigest, PLATFORMS } from '#core';
import type { CompatibilityCell } from '../lifecycle/cell.ts';
import { compareMinors } from '../lifecycle/minor.ts';
import { readPatch } from '../lifecycle/newer-patch.ts';
import { CompatibilityError } from '../error.ts';

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'must be a sha256 digest');
const text = z.string().min(1);

const cellSchema = z.strictObject({
  kubernetes: z.string().regex(/^\d+\.\d+$/),
  channel: text,
  revision: text,
  /** What was upgraded from. */
  previous: text.optional(),
  verdict: z.enum(['passed', 'failed']),
  made: z.iso.datetime(),
  digest,
  versions: z.record(text, text),
  platform: z.enum(PLATFORMS),
  /** Of the images' indexes, by component. */
  images: z.record(text, digest),
  steps: z.array(
    z.strictObject({
      name: text,
      verdict: z.enum(['passed', 'failed', 'skipped']),
      milliseconds: z.int().min(0),
      detail: z.string().optional(),
    }),
  ),
  logs: z.record(text, digest),
  /** The newest patch of Kubernetes that the proxies listed then, `1.32.13`. */
  newest: text.optional(),
  /** Newer patches of Kubernetes, `1.32.13`, that could not be built then. */
  passedOver: z.array(text).optional(),
});

/** One test as it is kept: the cell, which images it ran, how each step went, and the digests of the logs beside it. */
export type CellRecord = z.output<typeof cellSchema>;

/** What a cell is held against: the images of the revision as they are now, and the newest patch of its Kubernetes minor. */
export interface CellContext {
  /** Of the images' indexes, by component. */
  readonly images: Readonly<Record<string, Digest>>;
  /** `1.36.4`; undefined where it is not known. */
  readonly newestPatch: string | undefined;
}

/** The file that a cell is kept in, in a folder of its own with its logs and its attestation. */
export const CELL_FILE = 'cell.json';

const FOLDER = 'compatibility';

/** Gives the folder of one cell below an output folder: `compatibility/2.9.2-r0/distroless/1.36`. */
export function cellFolder(
  output: string,
  cell: Pick<CompatibilityCell, 'revision' | 'channel' | 'kubernetes'>,
): string {
  return join(output, FOLDER, cell.revision, cell.channel, cell.kubernetes);
}

/** Reads the cells below an output folder, oldest minor first; none where there are none. Throws `CELL_INVALID` for one that was changed by hand. */
export async function readCells(output: string): Promise<readonly CellRecord[]> {
  const paths = await readdir(join(output, FOLDER), { recursive: true }).catch(() => []);
  const files = paths.filter((path) => path.split('/').length === 4 && path.endsWith(`/${CELL_FILE}`));
  const cells = await Promise.all(files.map((path) => readCell(join(output, FOLDER, path))));
  return cells.sort((a, b) => compareMinors(a.kubernetes, b.kubernetes) || a.channel.localeCompare(b.channel));
}

/** Gives why a cell does not tell of what is there now; none where it does. */
export function staleReasons(cell: CellRecord, { images, newestPatch }: CellContext): readonly string[] {
  const names = [...new Set([...Object.keys(cell.images), ...Object.keys(images)])].sort();
  const changed = names.filter((name) => cell.images[name] !== images[name]);
  return [
    ...(changed.length === 0 ? [] : [`tested other images of ${changed.join(', ')}`]),
    ...readPatch(cell, newestPatch).stale,
  ];
}

async function readCell(file: string): Promise<CellRecord> {
  try {
    return cellSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new CompatibilityError('CELL_INVALID', 'this is no record of a compatibility test', {
      where: file,
      hint: 'Remove its folder and run `oakum compat test` again.',
      cause: error,
    });
  }
}
