// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { jsonOption, plainHttpOption } from './options.ts';
import type { World } from './world.ts';

const WHAT_CATALOG_DOES = `
Made from release documents alone: lines, releases, revisions, channels, images and digests, open findings as of publication, what each
revision fixed, and support. It checks no signature (\`oakum verify release\` does), but fails on any contradiction: two documents of one
revision, a broken chain of predecessors, a tag that names two images, a member that is not known.
Formats atom and jsonfeed give a feed of revisions: the same documents give the same feed.

Examples:
  oakum catalog
  oakum catalog registry.example.com/flux/releases --json
  oakum catalog oci:out/oci --format markdown > RELEASES.md
  oakum catalog documents/ --format atom --url https://flux.example.com/releases.atom > releases.atom`;

/** Adds `oakum catalog`. */
export function addCatalog(program: Command, world: () => World): void {
  program
    .command('catalog')
    .description('list all that is published, generated from release documents; also as a feed')
    .argument('[source]', 'REGISTRY/releases, oci:FOLDER for an OCI layout, or a folder of release documents', 'out')
    .addOption(
      new Option('--format <format>', 'how to print')
        .choices(['table', 'json', 'markdown', 'atom', 'jsonfeed'])
        .default('table'),
    )
    .option('--url <url>', 'where the feed will be found')
    .addOption(plainHttpOption())
    .addOption(jsonOption())
    .addHelpText('after', WHAT_CATALOG_DOES)
    .action(async (source, flags) => (await import('./commands/catalog.ts')).catalog(source, flags, world()));
}
