// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { collect, definitionOption, jsonOption, quietOption } from './options.ts';
import type { World } from './world.ts';

const WHAT_FEEDS_ARE = `
Feeds: go, osv, debian, alpine, kev, epss, ssvc, endoflife. docs/vulnerabilities.md says what each is, and how a mirror is laid out.
Only what changed is sent. A feed that can't be reached or believed keeps its last good copy, and is shown with the reason.
Exit code 0: all asked for are up to date. 1: at least one failed; the others are updated.

Examples:
  oakum feeds update
  oakum feeds update --mirror /srv/feeds
  oakum feeds update --feed go,debian
  oakum feeds update --accept kev`;

/** Adds `oakum feeds` and what is below it. */
export function addFeeds(program: Command, world: () => World): void {
  const feeds = program
    .command('feeds')
    .description('show or update what is known of vulnerabilities')
    .helpCommand(false);
  feeds
    .command('status', { isDefault: true })
    .description('show every feed: its state, age, entries, digest and source, and why it is not fresh')
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  oakum feeds\n  oakum feeds status --json')
    .action(async (flags) => (await import('./commands/feeds.ts')).showFeeds(flags, world()));
  feeds
    .command('update')
    .description('fetch what changed in every feed')
    .addOption(
      new Option('--feed <names>', 'only these (default: all; ssvc only from a mirror, since it is large)').argParser(
        collect,
      ),
    )
    .option('--mirror <place>', 'an http, https or file URL or a folder, instead of the public addresses')
    .addOption(
      new Option('--accept <names>', 'take these even if they shrank, or are older than what is held').argParser(
        collect,
      ),
    )
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_FEEDS_ARE)
    .action(async (flags) => (await import('./commands/feeds.ts')).refreshFeeds(flags, world()));
}
