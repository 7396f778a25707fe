// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import { type GoBuildInfo, readerOf, readGoBuildInfo } from '#formats';

/** Says whether a file that begins so is an ELF file. */
export function isElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}

/** Takes a program's bytes; gives the build information in it, or undefined where it is no Go program. Where that lies is told at both ends of the file, so it is kept at `spool`; the caller removes it. */
export async function inspectProgram(
  bytes: AsyncIterable<Uint8Array>,
  spool: string,
): Promise<GoBuildInfo | undefined> {
  const file = await open(spool, 'wx+', 0o600);
  try {
    for await (const batch of batches(bytes)) await file.writev(batch);
    return await readGoBuildInfo((await readerOf(file)).readAt);
  } finally {
    await file.close();
  }
}

const BATCH_BYTES = 1 << 20;

/** Small chunks together, so that a large program does not cost thousands of writes. */
async function* batches(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    batch.push(chunk);
    size += chunk.byteLength;
    if (size < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    size = 0;
  }
  if (batch.length > 0) yield batch;
}
