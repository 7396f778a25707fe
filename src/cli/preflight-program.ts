// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { definitionOption, jsonOption } from './options.ts';
import type { World } from './world.ts';

const WHAT_PREFLIGHT_DOES = `
Reads a GitOps repository and says, with file, line and column, what will not work: remote bases where the image has no git, SOPS files
and secrets with OpenPGP keys where it has no gpg, SSH keys and algorithms that FIPS mode refuses, API versions of Flux that the target
line does not serve. docs/preflight.md lists the rules. It runs nothing, asks no server, and follows no link.

--channel names a channel of the definition: its crypto and the packages of its base decide. Where the definition has none of the name,
fips, distroless (both without git and gpg) and standard (with both) mean what they are called.

--fix rewrites API versions in place and nothing else, to the byte, where no field has to change with them; --dry-run shows it only.

Exit code 0: nothing to do. 1: something will not work (error), may not work or could not be read (warning); --fail-on error leaves out
the latter. Notes say what works and is good to know.

Examples:
  oakum preflight .
  oakum preflight clusters/ --channel fips --to 2.9
  oakum preflight . --sarif > preflight.sarif
  oakum preflight . --fix --dry-run`;

/** Adds `oakum preflight`. */
export function addPreflight(program: Command, world: () => World): void {
  program
    .command('preflight')
    .description('say what of a GitOps repository will not work in a channel or a line of Flux')
    .argument('[path]', 'the repository, or a folder of it', '.')
    .option('--channel <name>', 'a channel of the definition, or fips, distroless, standard', 'distroless')
    .option('--to <line>', 'the line of Flux whose API counts, like 2.9 (default: the newest that is known)')
    .option('--fix', 'rewrite API versions')
    .option('--dry-run', 'with --fix: show what would be rewritten, and write nothing')
    .addOption(
      new Option('--fail-on <level>', 'the least level that makes the exit code 1')
        .choices(['error', 'warning', 'note'])
        .default('warning'),
    )
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addOption(new Option('--sarif', 'print the result as SARIF 2.1.0').conflicts('json'))
    .addHelpText('after', WHAT_PREFLIGHT_DOES)
    .action(async (path, flags) => (await import('./commands/preflight.ts')).preflightRepository(path, flags, world()));
}
