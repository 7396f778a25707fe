// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { OakumError } from '#core';
import { withManifests } from './manifests-program.ts';
import { collect, definitionOption, jsonOption, lockedOption, quietOption, unsandboxedOption } from './options.ts';
import type { World } from './world.ts';

/** Adds the flags that choose a cluster. */
function withCluster(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'how to reach the cluster (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'which cluster of the kubeconfig (default: the current one)');
}

/** Adds the flags that say how far a command may go. */
function withConsent(command: Command): Command {
  return command
    .addOption(
      new Option('--dry-run', 'show the plan, tried by the API server itself, and change nothing').conflicts('yes'),
    )
    .option('--yes', 'carry the plan out without asking')
    .addOption(jsonOption())
    .addOption(quietOption());
}

function withChange(command: Command): Command {
  return withManifests(withConsent(withCluster(command)))
    .option('--manifests <file>', "install what this file holds ('-' for stdin), instead of making manifests")
    .option('--force-conflicts', 'take over fields that others own, such as an earlier `flux install`')
    .option('--no-wait', 'do not wait until the controllers are available')
    .addOption(
      new Option('--timeout <time>', 'how long to wait, like 90s or 5m').argParser(parseTime).default(300_000, '5m'),
    )
    .addOption(definitionOption())
    .addOption(lockedOption())
    .addOption(unsandboxedOption());
}

/** Reads `90s`, `5m`, `1h`; gives milliseconds. */
function parseTime(text: string): number {
  const [, count, unit] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? [];
  const factor = { s: 1000, m: 60_000, h: 3_600_000 }[unit ?? ''];
  if (factor !== undefined) return Number(count) * factor;
  throw new OakumError('usage', 'FLAG_INVALID', `--timeout takes a time like 90s or 5m, not "${text}"`);
}

const EXIT_CODES_OF_A_PLAN = `
Exit code 0: done, or with --dry-run: it could be done. 10: the plan was refused, or stopped half-way; what is left is said, and the
same command goes on from there. 4: the cluster does not answer.`;

/** Adds `oakum install`. */
export function addInstall(program: Command, world: () => World): void {
  withChange(program.command('install'))
    .description('install a revision into a cluster: plan, then server-side apply')
    .argument('[version]', 'a release, 2.9.2, or a revision, 2.9.2-r1; not needed with --manifests')
    .addHelpText(
      'after',
      `
Shows what would change by the API server's own dry run, and asks. Refuses where a right is missing (and prints a role that has it),
where the Flux Operator, Flux's own bootstrap or Helm installs Flux, and where fields are owned by others. docs/cluster.md tells more.
${EXIT_CODES_OF_A_PLAN}

Examples:
  oakum install 2.9.2 --dry-run
  oakum install 2.9.2-r1 --from out --channel distroless --registry mirror.local/flux --yes
  oakum install --manifests install.yaml --context staging --no-wait`,
    )
    .action(async (version, flags) => (await import('./commands/install.ts')).install(version, flags, world()));
}

/** Adds `oakum upgrade`. */
export function addUpgrade(program: Command, world: () => World): void {
  withChange(program.command('upgrade'))
    .description('bring a cluster, or with --git a repository, to another revision without losing data')
    .argument('[version]', 'a release, 2.9.2, or a revision, 2.9.2-r1; not needed with --manifests')
    .addOption(
      new Option(
        '--git <folder>',
        'edit the manifests and pins in this Git working tree instead, comments kept',
      ).conflicts(['kubeconfig', 'context', 'forceConflicts']),
    )
    .addHelpText(
      'after',
      `
Order: objects stored or managed in versions that go are rewritten, then definitions, then controllers, then what the new revision has
no more is deleted, if we applied it. Refuses what would lose data: versions without successor, fields that the new definitions drop,
older lines, more than three lines at once.
${EXIT_CODES_OF_A_PLAN}

Examples:
  oakum upgrade 2.9.2-r1 --dry-run
  oakum upgrade --manifests install.yaml --yes --timeout 10m
  oakum upgrade 2.9.2-r1 --git clusters/production`,
    )
    .action(async (version, flags) => (await import('./commands/upgrade.ts')).upgrade(version, flags, world()));
}

/** Adds `oakum check`. */
export function addCheck(program: Command, world: () => World): void {
  withCluster(program.command('check'))
    .description('compare what runs in a cluster with the catalog')
    .option('--namespace <name>', 'look only there (default: everywhere)')
    .addOption(
      new Option(
        '--documents <paths>',
        'release documents, or folders of them: the catalog (default: out/release.json)',
      ).argParser(collect),
    )
    .addOption(new Option('--folder <folder>', 'where the VEX decisions are').default('vex'))
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Finds images that are outdated, unknown or not pinned, pods that run something else, mixed channels and revisions, open vulnerabilities
and their clocks, a Kubernetes that is not supported, changes that did not end, and objects that are gone. Changes nothing.
Exit code 0: all is well. 1: something wants attention. 4: the cluster does not answer. 10: it does not let us look.

Examples:
  oakum check
  oakum check --context production --documents releases/ --json`,
    )
    .action(async (flags) => (await import('./commands/check.ts')).check(flags, world()));
}

/** Adds `oakum uninstall`. */
export function addUninstall(program: Command, world: () => World): void {
  withConsent(withCluster(program.command('uninstall')))
    .description('remove what Oakum installed from a cluster')
    .option('--namespace <name>', 'where it is installed', 'flux-system')
    .option('--crds', 'delete the definitions too, and with them every object of Flux')
    .addHelpText(
      'after',
      `
Deletes what Oakum applied and nothing else; namespaces stay. What Flux deployed keeps running. Without --crds all objects of Flux stay
as they are, so installing again goes on. With --crds finalizers of Flux are removed first, as no controller is left to do it.
${EXIT_CODES_OF_A_PLAN}

Examples:
  oakum uninstall --dry-run
  oakum uninstall --crds --yes`,
    )
    .action(async (flags) => (await import('./commands/uninstall.ts')).uninstallFlux(flags, world()));
}
