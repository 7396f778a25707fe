// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives a path in the machine's temporary folder that nothing has yet; `purpose` is for who finds it there. */
export function temporaryPath(purpose: string): string {
  return join(tmpdir(), `oakum-${purpose}-${randomUUID()}`);
}
