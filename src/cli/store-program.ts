// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { collect, definitionOption, jsonOption, plainHttpOption } from './options.ts';
import type { World } from './world.ts';

const folderOption = () => new Option('--folder <folder>', 'where the decisions are').default('vex');

/** Adds `oakum findings`, `oakum explain` and `oakum store`. */
export function addStore(program: Command, world: () => World): void {
  addFindings(program, world);
  program
    .command('explain')
    .description(
      'tell everything that is known of a vulnerability: advisories, severities, where it occurs, call path, clock, decision',
    )
    .argument('<id>', 'such as GO-2026-6061, CVE-2026-12345 or a GHSA id')
    .option('--all-revisions', 'where it occurs in any revision, not the newest of each line alone')
    .addOption(folderOption())
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  oakum explain GO-2026-6061\n  oakum explain CVE-2026-12345 --json')
    .action(async (id, flags) => (await import('./commands/explain.ts')).explain(id, flags, world()));
  const store = program
    .command('store')
    .description('what was scanned: its state, matched again with the feeds on disk, or made anew')
    .helpCommand(false);
  store
    .command('status')
    .description('show what the store holds')
    .addOption(jsonOption())
    .action(async (flags) => (await import('./commands/store.ts')).showStore(flags, world()));
  store
    .command('refresh')
    .description('match again what changed advisories speak of, and show what is new, changed or gone')
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Exit code 0: nothing new, and the feeds told everything. 1: a finding appeared. 4: nothing new, but not everything could be checked.
New is what the store did not hold: also what a scan found that it takes in now.

Examples:
  oakum feeds update && oakum store refresh`,
    )
    .action(async (flags) => (await import('./commands/store.ts')).refreshStore(flags, world()));
  addRebuild(store, world);
}

function addRebuild(store: Command, world: () => World): void {
  store
    .command('rebuild')
    .description('throw away what the store holds, and fill it from these targets and the feeds on disk')
    .argument('<targets...>', 'as for `oakum scan`')
    .addOption(new Option('--platform <os/arch>', 'only these platforms of images').argParser(collect))
    .addOption(plainHttpOption())
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Lost is what the store alone knows: since when a finding was known of (of releases the SLA log has it), and scans of other targets.
Nothing is thrown away before all targets were read.

Examples:
  oakum store rebuild 2.9.2
  oakum store rebuild registry.example.com/distroless/source-controller:v1.9.3 sbom.spdx.json`,
    )
    .action(async (targets, flags) => (await import('./commands/store.ts')).rebuildStore(targets, flags, world()));
}

function addFindings(program: Command, world: () => World): void {
  program
    .command('findings')
    .description('show the findings in all that was scanned, judged as of now')
    .option('--line <line>', 'only of this line, like 2.9')
    .option('--revision <revision>', 'of this revision (default: the newest of each line)')
    .addOption(
      new Option('--state <state>', 'which; open also shows what is under investigation')
        .choices(['open', 'fixed', 'not_affected', 'accepted', 'all'])
        .default('open'),
    )
    .addOption(new Option('--component <names>', 'only in these components').argParser(collect))
    .addOption(new Option('--channel <names>', 'only in these channels').argParser(collect))
    .addOption(new Option('--platform <os/arch>', 'only on these platforms').argParser(collect))
    .addOption(new Option('--severity <ratings>', 'only of these ratings; unknown is one').argParser(collect))
    .addOption(
      new Option('--format <format>', 'how to print')
        .choices(['table', 'json', 'sarif', 'csv', 'openvex', 'markdown'])
        .default('table'),
    )
    .addOption(folderOption())
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
What is scanned is kept in the data folder, or in the PostgreSQL database that OAKUM_STORE_URL names.

Examples:
  oakum findings
  oakum findings --line 2.9 --severity critical,high,unknown --format csv
  oakum findings --state not_affected --component source-controller`,
    )
    .action(async (flags) => (await import('./commands/findings.ts')).showFindings(flags, world()));
}
