// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import type { Provider } from '#compatibility';
import {
  channelOption,
  collect,
  definitionOption,
  jsonOption,
  lockedOption,
  plainHttpOption,
  quietOption,
  unsandboxedOption,
  withSigning,
} from './options.ts';
import type { World } from './world.ts';

/** The room has the same list; to load it would take longer than the command. */
const PROVIDERS = ['eks', 'aks', 'gke', 'openshift'] as const satisfies readonly Provider[];

const WHAT_COMPAT_SAYS = `
Dates come from the feed endoflife on disk and from \`lifecycle.overrides\` of the definition; docs/lifecycle.md tells how windows follow.
Evidence is the verdicts that release documents hold, and those that \`oakum compat test\` left beside them. A cell is stale where a newer revision or Kubernetes patch release is out.
Exit code 0: something fits. 1: nothing does. 4: the feed is too old, or lacks the provider that is asked for.

Examples:
  oakum compat
  oakum compat --kubernetes 1.33
  oakum compat --provider openshift --kubernetes 4.18
  oakum compat --provider eks --json`;

/** Adds `oakum compat` and what is below it. */
export function addCompat(program: Command, world: () => World): void {
  const compat = program
    .command('compat')
    .description('say which lines of Flux fit which Kubernetes, until when and on what evidence')
    .helpCommand(false);
  compat
    .command('show', { isDefault: true })
    .description('what is supported today, what tests say of it, and what ends soon')
    .option('--kubernetes <minor>', 'only this minor, or that of a patch release or of OpenShift (1.33, 1.33.7, 4.18)')
    .addOption(new Option('--provider <name>', 'only what this provider supports').choices(PROVIDERS))
    .addOption(
      new Option(
        '--documents <paths>',
        'release documents whose evidence counts: files, folders, oci:FOLDER, REGISTRY/releases (default: out)',
      ).argParser(collect),
    )
    .addOption(plainHttpOption())
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText('after', WHAT_COMPAT_SAYS)
    .action(async (flags) => (await import('./commands/compat.ts')).showCompatibility(flags, world()));
  addTest(compat, world);
}

const WHAT_COMPAT_TEST_DOES = `
For each minor: builds its kube-apiserver from the module k8s.io/kubernetes (proved and locked as every source; some minutes the first
time), starts it with etcd on loopback, applies the install manifests, runs the controllers from their unpacked images under the images'
user, and plays a scenario. Needs etcd (Debian: etcd-server), git, bubblewrap and setpriv.

Each cell is kept below <out>/compatibility/: its record, all logs, and a signed attestation (in-toto test-result) about the images.
A cell is stale once the release has other images, or its Kubernetes minor a newer patch.
Exit code 0: what was tested passed. 1: something failed, and the cells tell what. Else the test could not be made.

Examples:
  oakum compat test 2.9.2
  oakum compat test 2.9.2 --kubernetes 1.32,1.37 --channel distroless
  oakum compat test 2.9.2 --from registry.example.com/flux --attach
  oakum compat test 2.9.2-r1 --previous 2.9.2-r0 --previous-from before/out
  oakum compat test 2.9.2 --only-stale --json`;

/** Adds `oakum compat test`. */
function addTest(compat: Command, world: () => World): void {
  withSigning(compat.command('test'))
    .description('run the controllers of a release on real API servers, and keep the verdicts as signed evidence')
    .argument('<version>', 'a release or revision: 2.9.2, 2.9.2-r1')
    .addOption(
      new Option(
        '--kubernetes <versions>',
        'these minors (1.36) or patches (1.36.3); default: the newest six',
      ).argParser(collect),
    )
    .addOption(channelOption())
    .option('--from <place>', 'where the release is: a folder that `oakum release` wrote, or a registry', 'out')
    .option('--previous <version>', 'a release or revision that is installed first, and upgraded from')
    .option('--previous-from <place>', 'where that one is (default: as --from)')
    .option('--out <folder>', 'where cells are kept', 'out')
    .option('--only-stale', 'leave out minors whose cell passed and still holds')
    .option('--refresh', 'take the newest patch of each minor, also where oakum.lock holds an older one')
    .option('--attach', 'attach the attestations to the images, where they are')
    .addOption(plainHttpOption())
    .addOption(definitionOption())
    .addOption(lockedOption())
    .addOption(unsandboxedOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_COMPAT_TEST_DOES)
    .action(async (version, flags) => (await import('./commands/compat-test.ts')).testRelease(version, flags, world()));
}
