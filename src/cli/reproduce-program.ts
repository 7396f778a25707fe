// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { definitionOption, jsonOption, plainHttpOption, quietOption } from './options.ts';
import type { World } from './world.ts';

const WHAT_REPRODUCE_DOES = `
Everything that was used is in the provenance by its hash: sources and modules are fetched and proved again, the program compiled, the image
packed, the SBOM written. Of this machine's definition only addresses and limits count. From an empty cache unless --warm.
The provenance is not verified first: building again is what checks it (\`oakum verify\` tells who signed it).
Exit code 0: the same to the bit. 1: it differs, and the table says where.

Examples:
  oakum reproduce registry.example.com/flux/distroless/source-controller@sha256:...
  oakum reproduce oci:out/oci:distroless/source-watcher:v2.2.2 --warm`;

/** Adds `oakum reproduce`. */
export function addReproduce(program: Command, world: () => World): void {
  program
    .command('reproduce')
    .description('build a published image again from its provenance alone, and compare to the bit')
    .argument('<image>', 'REGISTRY/REPOSITORY@DIGEST or :TAG, or oci:FOLDER:NAME')
    .option('--platform <os/arch>', "which of its platforms (default: this machine's)")
    .option('--warm', 'use what this machine has in its cache')
    .addOption(plainHttpOption())
    .option('--unsandboxed', 'compile without a sandbox where this machine has none')
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_REPRODUCE_DOES)
    .action(async (image, flags) => (await import('./commands/reproduce.ts')).reproduce(image, flags, world()));
}
