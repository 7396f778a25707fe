// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { collect, definitionOption, plainHttpOption, quietOption } from './options.ts';
import type { World } from './world.ts';

const WHAT_NOTES_ARE = `
Generated from release documents, the calendars of \`oakum compat\`, and the CustomResourceDefinitions in the proved sources of the newest
revision, compared with those of the line before. What a revision fixed is read from its document and the one before; with --changelog both
are scanned anew and compared, package by package. The same documents, calendars and day give the same text.
Where any two of these contradict each other, there are no notes. docs/lifecycle.md describes them.

Examples:
  oakum notes 2.9
  oakum notes 2.9 --from registry.example.com/flux/releases --output releases/release-v2.9.md
  oakum notes 2.9 --changelog --layout out/oci`;

/** Adds `oakum notes`. */
export function addNotes(program: Command, world: () => World): void {
  program
    .command('notes')
    .description('write the notes of a line in Markdown: support, API versions, releases, what each revision fixed')
    .argument('<line>', 'such as 2.9')
    .addOption(
      new Option(
        '--from <sources>',
        'release documents: files, folders, oci:FOLDER, REGISTRY/releases (default: out)',
      ).argParser(collect),
    )
    .option('--output <file>', 'write there instead of to stdout')
    .option('--changelog', 'compare the images of each revision with those before it')
    .option('--to <registry>', 'with --changelog: where the images are published (default: the OCI layout)')
    .option('--layout <folder>', 'with --changelog: the OCI layout that holds them', 'out/oci')
    .addOption(plainHttpOption())
    .addOption(definitionOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_NOTES_ARE)
    .action(async (line, flags) => (await import('./commands/notes.ts')).notes(line, flags, world()));
}
