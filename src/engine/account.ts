// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/**
 * Under which user id steps run on the machine. Root must not run bubblewrap itself (uid 0 inside would be uid 0 outside
 * for /proc/sys and every root-owned file), so Oakum started as root drops to an id that nothing else uses.
 */
export type Account =
  | { readonly kind: 'own'; readonly uid: number; readonly gid: number }
  | { readonly kind: 'dropped'; readonly uid: number; readonly gid: number };

/**
 * The ids tried in order. By systemd's table of ids (UIDS-GIDS) 65536 to 99999 is given to nobody; the last one serves
 * containers that know only ids below 65536.
 */
const CANDIDATES = [71_207, 83_431, 60_983];

/** What is asked of the machine: who runs Oakum, and where /proc and /etc are (tests choose). */
export interface AccountQuestion {
  readonly uid: number;
  readonly gid: number;
  readonly proc?: string;
  readonly passwd?: string;
}

/** Gives the account for steps, or undefined where root finds no free id. A lone fake root (a one-id user namespace) keeps its own. */
export async function chooseAccount(question: AccountQuestion): Promise<Account | undefined> {
  const { uid, gid, proc = '/proc', passwd = '/etc/passwd' } = question;
  if (uid !== 0) return { kind: 'own', uid, gid };
  const map = parseIdMap(await readFile(`${proc}/self/uid_map`, 'utf8').catch(() => '0 0 4294967295'));
  const groups = parseIdMap(await readFile(`${proc}/self/gid_map`, 'utf8').catch(() => '0 0 4294967295'));
  if (map.length === 1 && map[0]?.length === 1 && map[0].outside !== 0) return { kind: 'own', uid, gid };
  const named = (await readFile(passwd, 'utf8').catch(() => '')).split('\n').map((line) => Number(line.split(':')[2]));
  for (const id of CANDIDATES) {
    if (named.includes(id) || !covers(map, id) || !covers(groups, id)) continue;
    return { kind: 'dropped', uid: id, gid: id };
  }
  return undefined;
}

interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly length: number;
}

function parseIdMap(text: string): readonly IdRange[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([inside = 0, outside = 0, length = 0]) => ({ inside, outside, length }));
}

function covers(map: readonly IdRange[], id: number): boolean {
  return map.some((range) => id >= range.inside && id < range.inside + range.length);
}
