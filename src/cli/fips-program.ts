// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { addHandshakes } from './handshakes-program.ts';
import { jsonOption, plainHttpOption, platformOption } from './options.ts';
import type { World } from './world.ts';

const WHAT_REPORT_DOES = `
Reads every program of the image and says what its bytes prove: the build settings, the validated module and its certificate, the
integrity sum, what cryptography lies outside the module. Labels and annotations that say FIPS are shown, and prove nothing. Where a
FIPS report is attached, it is compared; whose signature it bears, \`oakum verify --attestation fips-report\` says.
Nothing is started without --run; with it, programs start in the sandbox, without network.
Exit code 0: proved. 1: not proved. Others: it could not be read.

Examples:
  oakum fips report registry.example.com/fips/source-controller:v1.9.3
  oakum fips report oci:out/oci:fips/source-controller:v1.9.3 --platform linux/amd64 --run
  oakum fips report ./source-controller --json`;

/** Adds `oakum fips` and what is below it. */
export function addFips(program: Command, world: () => World): void {
  const fips = program
    .command('fips')
    .description('say what proves that programs run validated cryptography')
    .helpCommand(false);
  fips
    .command('report')
    .description("derive the FIPS report of an image, ours or anyone's, from its bytes")
    .argument('<target>', 'REGISTRY/REPOSITORY:TAG, oci:FOLDER:NAME, or ./FILE for a program')
    .addOption(platformOption())
    .option('--run', 'also start each program in the sandbox, for its self-test')
    .addOption(plainHttpOption())
    .addOption(jsonOption())
    .addHelpText('after', WHAT_REPORT_DOES)
    .action(async (target, flags) => (await import('./commands/fips-report.ts')).reportFips(target, flags, world()));
  addHandshakes(fips, world);
}
