// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryName } from '#core';
import { HASH_SIZE, hashInTile, type HashPosition, type HashReader, type Tile, tileOf, tilePath } from '#formats';

/** The tiles of one database's tree, cached on disk. Nothing read here is proved: who uses the hashes checks them against a signed head. */
export interface Tiles {
  /**
   * Runs a pure function that reads hashes of the tree of `size` records, first to learn which it wants, then with them.
   * `fresh` passes the cache over and replaces what it holds.
   */
  compute<T>(size: number, use: (read: HashReader) => T, fresh?: boolean): Promise<T>;
}

/** Fetches `path` below the database; undefined where the database has no such tile. */
export type FetchTile = (path: string) => Promise<Buffer | undefined>;

/** Thrown when a tile is nowhere to be had, or too short. */
export class TileMissing extends Error {
  readonly path: string;
  readonly isCut: boolean;

  constructor(path: string, isCut: boolean) {
    super(isCut ? `the tile ${path} is cut short` : `the tile ${path} is not served`);
    this.path = path;
    this.isCut = isCut;
  }
}

const EMPTY = Buffer.alloc(HASH_SIZE);

/** Gives the tiles that `fetch` serves, cached below `folder`. */
export function openTiles(folder: string, fetch: FetchTile): Tiles {
  const memory = new Map<string, Promise<Buffer>>();

  async function load(tile: Tile, fresh: boolean): Promise<Buffer> {
    const path = tilePath(tile);
    const kept = fresh ? undefined : await readFile(join(folder, path)).catch(() => undefined);
    if (kept?.length === tile.width * HASH_SIZE) return kept;
    const bytes = await fetchWhole(tile, fetch);
    await store(join(folder, path), bytes);
    return bytes;
  }

  function tileBytes(tile: Tile, fresh: boolean): Promise<Buffer> {
    const path = tilePath(tile);
    const known = fresh ? undefined : memory.get(path);
    if (known !== undefined) return known;
    const loading = load(tile, fresh).catch((error: unknown) => {
      memory.delete(path);
      throw error;
    });
    memory.set(path, loading);
    return loading;
  }

  return {
    async compute(size, use, fresh = false) {
      const wanted = new Map<string, HashPosition>();
      use((position) => {
        wanted.set(`${position.level}/${position.index}`, position);
        return EMPTY;
      });
      const tiles = new Map<string, Tile>();
      for (const position of wanted.values()) {
        const tile = tileOf(position, size);
        tiles.set(tilePath(tile), tile);
      }
      const loaded = new Map<string, Buffer>();
      await Promise.all(
        [...tiles].map(async ([path, tile]) => {
          loaded.set(path, await tileBytes(tile, fresh));
        }),
      );
      return use((position) => hashInTile(loaded.get(tilePath(tileOf(position, size))) ?? EMPTY, position));
    },
  };
}

/** A database may drop a partial tile once the full one exists (https://go.dev/ref/mod#checksum-database), so that is asked next. */
async function fetchWhole(tile: Tile, fetch: FetchTile): Promise<Buffer> {
  const length = tile.width * HASH_SIZE;
  const path = tilePath(tile);
  const bytes =
    (await fetch(path)) ?? (tile.width === 256 ? undefined : await fetch(tilePath({ ...tile, width: 256 })));
  if (bytes === undefined) throw new TileMissing(path, false);
  if (bytes.length < length) throw new TileMissing(path, true);
  return bytes.subarray(0, length);
}

async function store(path: string, bytes: Buffer): Promise<void> {
  const draft = temporaryName(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, bytes);
    await rename(draft, path);
  } catch {
    await rm(draft, { force: true }); // a tile that cannot be kept is fetched again next time
  }
}
