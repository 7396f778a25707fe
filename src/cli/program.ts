// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { addCheck, addInstall, addUninstall, addUpgrade } from './cluster-program.ts';
import { addCatalog } from './catalog-program.ts';
import { addCompat } from './compat-program.ts';
import { addDiff, addInspect, addVerify } from './evidence-program.ts';
import { addFeeds } from './feeds-program.ts';
import { addFips } from './fips-program.ts';
import { addKey } from './key-program.ts';
import { addCache, addDoctor } from './machine-program.ts';
import { addManifests } from './manifests-program.ts';
import { addNotes } from './notes-program.ts';
import { addChangelog, addPatch, addReplay, addRollback } from './patch-program.ts';
import { addPreflight } from './preflight-program.ts';
import { addFetch, addLock, addPlan, addRelease } from './release-program.ts';
import { addReproduce } from './reproduce-program.ts';
import { addDebug, addScan } from './scan-program.ts';
import { addSla } from './sla-program.ts';
import { addStore } from './store-program.ts';
import { addVex } from './vex-program.ts';
import { addWatch } from './watch-program.ts';
import type { World } from './world.ts';

/** What a command's action gets beside its arguments and flags. */
export interface Invocation {
  readonly world: () => World;
}

/** What adds commands to the program, and their names. */
const COMMANDS: readonly (readonly [names: readonly string[], add: (program: Command, world: () => World) => void])[] =
  [
    [['release'], addRelease],
    [['plan'], addPlan],
    [['manifests'], addManifests],
    [['lock'], addLock],
    [['fetch'], addFetch],
    [['doctor'], addDoctor],
    [['cache'], addCache],
    [['verify'], addVerify],
    [['inspect'], addInspect],
    [['diff'], addDiff],
    [['catalog'], addCatalog],
    [['fips'], addFips],
    [['key'], addKey],
    [['feeds'], addFeeds],
    [['reproduce'], addReproduce],
    [['scan'], addScan],
    [['findings', 'explain', 'store'], addStore],
    [['vex'], addVex],
    [['sla'], addSla],
    [['patch'], addPatch],
    [['changelog'], addChangelog],
    [['replay'], addReplay],
    [['rollback'], addRollback],
    [['watch'], addWatch],
    [['compat'], addCompat],
    [['notes'], addNotes],
    [['preflight'], addPreflight],
    [['install'], addInstall],
    [['upgrade'], addUpgrade],
    [['check'], addCheck],
    [['uninstall'], addUninstall],
    [['debug'], addDebug],
  ];

/**
 * Gives the command line of Oakum. Each action loads its code when it runs, so that --version and --help stay quick; and where the
 * first argument names a command, the others are left out: to describe all their flags takes longer than to match an SBOM.
 */
export function createProgram(version: string, invocation: Invocation, first?: string): Command {
  const program = new Command('oakum')
    .description('A factory for a hardened, provable distribution of Flux CD.')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print help')
    .helpCommand(false)
    .exitOverride() // throw instead of exiting; subcommands inherit it
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for the flags and examples)');
  const named = COMMANDS.filter(([names]) => first !== undefined && names.includes(first));
  for (const [, add] of named.length === 0 ? COMMANDS : named) add(program, invocation.world);
  return program.enablePositionalOptions(); // last, so that commands do not inherit it: what follows a command's name is its own
}
