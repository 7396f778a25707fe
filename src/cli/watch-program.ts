// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { definitionOption, jsonOption, plainHttpOption, quietOption, withProof, withSigning } from './options.ts';
import type { World } from './world.ts';

const WHAT_WATCH_DOES = `
A round: refresh the feeds; look for new releases of upstream; scan the newest revision, as the release document in ./out names it, and
note it in the SLA log; tell new findings, stale feeds and breaches ahead; plan; then patch and publish the next revision, or write
a request to decide. The section watch of the definition says how often, what may be done by itself, and whom to tell; docs/watch.md
tells it all. Nothing is told twice, and a round that was cut off is finished by the next. Ctrl-C stops it.
Exit code with --once: 0: all done and told. 1: a decision waits, or a revision could not be made. 4: not everything could be
looked at or delivered.

Examples:
  oakum watch
  oakum watch 2.9 --once --json
  oakum watch --to registry.example.com/flux`;

/** Adds `oakum watch`. */
export function addWatch(program: Command, world: () => World): void {
  withProof(withSigning(program.command('watch')))
    .description('look after releases: refresh feeds, scan, tell, plan, and patch what the policy allows')
    .argument('[releases...]', 'lines or releases (default: as the definition says, else that of ./out)')
    .option('--once', 'one round, for CI and timers')
    .option('--to <registry>', 'where revisions are published, instead of the OCI layout in ./out')
    .option('--no-sign', 'attach no signed evidence to what is published')
    .addOption(plainHttpOption())
    .option('--mirror <place>', 'where feeds come from, instead of the public addresses')
    .addOption(new Option('--folder <folder>', 'where the VEX decisions are').default('vex'))
    .option('--seal-key <key>', "the key that seals the SLA log: a file, or awskms:// (default: this machine's own)")
    .option('--within-upstream', "take no fix that is past what upstream's own later patch releases require")
    .option('--unsandboxed', 'build without a sandbox where this machine has none')
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_WATCH_DOES)
    .action(async (releases, flags) => (await import('./commands/watch.ts')).watch(releases, flags, world()));
}
