// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { collect, definitionOption, lockedOption, plainHttpOption, quietOption, unsandboxedOption } from './options.ts';
import type { World } from './world.ts';

const WHAT_MANIFESTS_DOES = `
Which images there are is read from the release document, so the digests are those that were published. The manifests are built
from flux2's own and each controller's, with real kustomize in the sandbox; docs/manifests.md tells how, and what differs from
upstream's. A document in a registry is taken as it is there; \`oakum verify release\` says whether it can be trusted.
--registry says where the cluster pulls from: a mirror that holds the same images as <registry>/<channel>/<component>.

Examples:
  oakum manifests 2.9.2 > install.yaml
  oakum manifests 2.9.2 --channel distroless --components source-controller,kustomize-controller
  oakum manifests 2.9.2-r1 --from release.json --registry mirror.local/flux --pull-secret registry-auth
  oakum manifests 2.9.2 --from registry.example.com/flux > install.yaml
  oakum manifests 2.9.2 --namespace flux --no-network-policy --output install.yaml`;

/** Adds the flags that say what is in manifests, and from which document they are made. */
export function withManifests(command: Command): Command {
  return command
    .option('--from <place>', 'release.json, the folder that holds it, or a registry it was pushed to', 'out')
    .addOption(plainHttpOption())
    .option('--channel <name>', 'which images (default: the one channel there is)')
    .addOption(new Option('--components <names>', 'only these components (default: all)').argParser(collect))
    .option('--registry <registry>', 'where the cluster pulls from (default: as published)')
    .option('--pull-secret <name>', "the secret for pulling (default: the definition's)")
    .option('--namespace <name>', 'where to install', 'flux-system')
    .option('--cluster-domain <domain>', "the cluster's internal domain", 'cluster.local')
    .option('--log-level <level>', 'debug, info or error', 'info')
    .addOption(new Option('--toleration-keys <keys>', 'taints that the pods bear').argParser(collect))
    .option('--no-network-policy', 'leave network policies away')
    .option('--no-watch-all-namespaces', 'let the controllers see their own namespace alone');
}

/** Adds `oakum manifests`. */
export function addManifests(program: Command, world: () => World): void {
  withManifests(program.command('manifests'))
    .description('print what installs a release: CRDs, RBAC, controllers by digest, network policies')
    .argument('<version>', 'a release, 2.9.2, or a revision, 2.9.2-r1')
    .option('--output <file>', 'write there instead of to stdout')
    .addOption(definitionOption())
    .addOption(lockedOption())
    .addOption(unsandboxedOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_MANIFESTS_DOES)
    .action(async (version, flags) => (await import('./commands/manifests.ts')).manifests(version, flags, world()));
}
