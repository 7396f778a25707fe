// SPDX-License-Identifier: Apache-2.0

/**
 * One entry of a root filesystem that bases compose and image writes. `path` has no leading slash and no `.` or `..`
 * segment; `mode` holds the twelve permission bits; owners are numbers; `mtime` is to the second.
 */
export type TreeEntry = Readonly<
  { path: string; mode: number; uid: number; gid: number; mtime: Date } & (
    | { kind: 'file'; size: number; open(): AsyncIterable<Uint8Array> }
    | { kind: 'directory' }
    | { kind: 'symlink'; target: string }
    | { kind: 'hardlink'; target: string }
  )
>;
