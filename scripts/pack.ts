// SPDX-License-Identifier: Apache-2.0
// prepack: bundles the program into dist/oakum, which is what the published package runs. Its dependencies stay packages of their own.
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { bundle, IN_A_PACKAGE } from './bundle.ts';

const dist = join(resolve(import.meta.dirname, '..'), 'dist');
await rm(dist, { recursive: true, force: true });
await bundle(join(dist, 'oakum'), IN_A_PACKAGE);
