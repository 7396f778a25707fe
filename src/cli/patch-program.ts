// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import {
  collect,
  decisionsOption,
  definitionOption,
  jsonOption,
  parseCount,
  plainHttpOption,
  quietOption,
  withProof,
  withSigning,
} from './options.ts';
import type { World } from './world.ts';

const WHAT_PATCH_DOES = `
For each component: the least version of each module that fixes its findings, all solved together by Go's minimal version
selection, then what else has to move; the least patched release of Go; the newest packages of each base. What stays, and why.
The feeds must be on disk (\`oakum feeds update\`). docs/patch.md tells how versions are chosen.
Without --plan, what is patched is compiled, oakum.lock gains the revision, and its images are published as by \`oakum release\`: to
--to, or into ./out. Upstream's unit tests that need no cluster are run before and after, in the sandbox. A change that does not
compile, or that breaks a test, is found and left out, and its findings stay with what the compiler or the test said. Before
anything is published govulncheck looks at the patched sources: what was fixed must be gone, and what is left is called or not. A
run that was cut off is finished by the next; two at once are not possible.
Exit code 0: planned, or published. 4: nothing to patch is known, but not everything could be checked.

Examples:
  oakum patch 2.9.2 --plan
  oakum patch 2.9.2
  oakum patch 2.9.2 --to registry.example.com/flux
  oakum patch 2.9.2 --plan --component source-controller
  oakum patch 2.9.2 --plan --within-upstream --json`;

/** Adds `oakum patch`. */
export function addPatch(program: Command, world: () => World): void {
  withProof(withSigning(program.command('patch')))
    .description(
      'make the next revision of a release: find what fixes its findings by the least changes, build and publish it',
    )
    .argument('<version>', 'a Flux version')
    .option('--plan', 'show the plan; nothing is built or written')
    .option('--lock-only', 'compile and write oakum.lock; `oakum release VERSION --revision N` publishes it')
    .option('--to <registry>', 'push there instead of writing an OCI layout (all platforms of the definition)')
    .option('--out <folder>', 'where the OCI layout, pins and release.json go', 'out')
    .option('--no-sign', 'attach no signed evidence')
    .addOption(decisionsOption())
    .addOption(plainHttpOption())
    .option('--within-upstream', "take no fix that is past what upstream's own later patch releases require")
    .addOption(new Option('--component <names>', 'only these components').argParser(collect))
    .addOption(new Option('--platform <os/arch>', 'only these platforms').argParser(collect))
    .addOption(definitionOption())
    .option('--locked', 'fail if oakum.lock lacks anything, instead of resolving it')
    .option('--unsandboxed', 'look at sources without a sandbox where this machine has none')
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_PATCH_DOES)
    .action(async (version, flags) => (await import('./commands/patch.ts')).patch(version, flags, world()));
}

const WHAT_REPLAY_DOES = `
A simulation from the dates of advisories and of the versions that fix them: at each look everything that is known and fixable is patched
together, and published when it is built. The images are those of ./out. --history names a folder with dated copies of the Go
database, go-vulndb-YYYY-MM-DD.zip; the feeds on disk are the newest. Figures count what began within the time.

Example:
  oakum replay 2.9.2 --from 2026-07-01 --to 2026-08-21 --history mirror/history`;

/** Adds `oakum replay`. */
export function addReplay(program: Command, world: () => World): void {
  program
    .command('replay')
    .description('say how fast the findings of a release would have been fixed in the past')
    .argument('<version>', 'a release, as `oakum release` has written it into ./out')
    .requiredOption('--from <day>', 'the first day, or an RFC 3339 time')
    .requiredOption('--to <day>', 'the last one')
    .option('--history <folder>', 'dated copies of the Go vulnerability database')
    .option('--every <hours>', 'how often feeds are looked at', parseCount('--every', 1), 24)
    .option('--build <minutes>', 'how long from a plan to images that can be pulled', parseCount('--build', 1), 60)
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_REPLAY_DOES)
    .action(async (version, flags) => (await import('./commands/replay.ts')).replayPast(version, flags, world()));
}

/** Adds `oakum changelog`. */
export function addChangelog(program: Command, world: () => World): void {
  program
    .command('changelog')
    .description('say what a revision changed in each image, and which findings it fixed, opened and left')
    .argument('<revision>', 'such as 2.9.2-r1')
    .option('--since <revision>', 'the one to compare with (default: the one it takes the place of)')
    .option('--to <registry>', 'where both are published (default: the OCI layout)')
    .option('--layout <folder>', 'the OCI layout that holds both', 'out/oci')
    .addOption(new Option('--component <names>', 'only these components').argParser(collect))
    .addOption(plainHttpOption())
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Content is compared by the SBOMs; both revisions are scanned with the same feeds, those on disk. Prints Markdown.

Examples:
  oakum changelog 2.9.2-r1
  oakum changelog 2.9.2-r2 --since 2.9.2-r0 --to registry.example.com/flux --json`,
    )
    .action(async (revision, flags) => (await import('./commands/changelog.ts')).changelog(revision, flags, world()));
}

/** Adds `oakum rollback`. */
export function addRollback(program: Command, world: () => World): void {
  withSigning(program.command('rollback'))
    .description('make the moving tags of a registry name an earlier revision again')
    .argument('<revision>', 'such as 2.9.2-r0')
    .requiredOption('--to <registry>', 'the registry, with the path it was published under')
    .requiredOption('--reason <text>', 'why; signed, and kept beside each image')
    .addOption(new Option('--component <names>', 'only these components').argParser(collect))
    .addOption(new Option('--channel <names>', 'only these channels').argParser(collect))
    .addOption(plainHttpOption())
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText(
      'after',
      `
Every image of that revision must be there, else nothing changes. Each gets a signed statement of the rollback
(https://oakum.dev/rollback/v1); then the tags move. Immutable tags stay. Clocks run again once the older revision is scanned:
\`oakum scan 2.9.2-r0 --record\`.

Example:
  oakum rollback 2.9.2-r0 --to registry.example.com/flux --reason "r1 does not start on arm64"`,
    )
    .action(async (revision, flags) => (await import('./commands/rollback.ts')).rollback(revision, flags, world()));
}
