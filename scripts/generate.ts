// SPDX-License-Identifier: Apache-2.0
// Writes the files that are made from code; `npm run check` fails when a committed one differs.
import { join, resolve } from 'node:path';
import { replaceFile } from '#core';
import { definitionJsonSchema } from '#definition';

const root = resolve(import.meta.dirname, '..');
await replaceFile(join(root, 'schema/distribution.schema.json'), `${JSON.stringify(definitionJsonSchema(), null, 2)}\n`);
