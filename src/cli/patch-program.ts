// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { collect, definitionOption, jsonOption, quietOption } from './options.ts';
import type { World } from './world.ts';

const WHAT_PATCH_DOES = `
For each component: the least version of each module that fixes its findings, all solved together by Go's minimal version
selection, then what else has to move; the least patched release of Go; the newest packages of each base. What stays, and why.
The feeds must be on disk (\`oakum feeds update\`). docs/patch.md tells how versions are chosen.
Exit code 0: planned. 4: nothing to patch is known, but not everything could be checked.

Examples:
  oakum patch 2.9.2 --plan
  oakum patch 2.9.2 --plan --component source-controller
  oakum patch 2.9.2 --plan --within-upstream --json`;

/** Adds `oakum patch`. */
export function addPatch(program: Command, world: () => World): void {
  program
    .command('patch')
    .description('plan the next revision of a release: which findings go, by which least changes, what stays and why')
    .argument('<version>', 'a Flux version')
    .addOption(new Option('--plan', 'show the plan; nothing is built or written').makeOptionMandatory())
    .option('--within-upstream', "take no fix that is past what upstream's own later patch releases require")
    .addOption(new Option('--component <names>', 'only these components').argParser(collect))
    .addOption(definitionOption())
    .option('--locked', 'fail if oakum.lock lacks anything, instead of resolving it')
    .option('--unsandboxed', 'look at sources without a sandbox where this machine has none')
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_PATCH_DOES)
    .action(async (version, flags) => (await import('./commands/patch.ts')).patch(version, flags, world()));
}
