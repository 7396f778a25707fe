// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { definitionOption, jsonOption } from './options.ts';
import type { World } from './world.ts';

/** Adds `oakum doctor`. */
export function addDoctor(program: Command, world: () => World): void {
  program
    .command('doctor')
    .description('check what this machine has and lacks for building, and say what to do about it')
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  oakum doctor\n  oakum doctor --json')
    .action(async (flags) => (await import('./commands/doctor.ts')).doctor(flags, world()));
}

/** Adds `oakum cache` and what is below it. */
export function addCache(program: Command, world: () => World): void {
  const cache = program.command('cache').description('show the cache, or make it smaller').helpCommand(false);
  cache
    .command('show', { isDefault: true })
    .description('show what the cache holds and where')
    .addOption(jsonOption())
    .action(async (flags) => (await import('./commands/cache.ts')).showCache(flags, world()));
  cache
    .command('prune')
    .description('remove what was not used for longest')
    .addOption(new Option('--max-size <size>', 'keep at most this much, like 5GB').default('10GB'))
    .addOption(new Option('--all', 'remove everything that no running build uses').conflicts('maxSize'))
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  oakum cache\n  oakum cache prune --max-size 5GB\n  oakum cache prune --all')
    .action(async (flags) => (await import('./commands/cache.ts')).prune(flags, world()));
}
