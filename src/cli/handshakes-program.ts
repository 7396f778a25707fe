// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import {
  channelOption,
  definitionOption,
  jsonOption,
  lockedOption,
  plainHttpOption,
  quietOption,
  unsandboxedOption,
  withSigning,
} from './options.ts';
import type { World } from './world.ts';

const WHAT_HANDSHAKES_DOES = `
Starts the channel's source-controller from its image on a real API server, and has it fetch from some eighty servers on loopback that
each offer one thing: one version of TLS, one suite, one key exchange, one kind of certificate; one algorithm of SSH. A control client that
takes anything first shows that each server is right. What is refused must be said so by the controller and seen by the server.
The crypto mode of the channel says what must be accepted and what refused. Needs what \`oakum compat test\` needs.

Kept below <out>/handshakes/<revision>/<channel>/: the record (handshakes.json, with the controller's own words and what it says that it
takes), the logs, and a signed attestation about the image (https://oakum.dev/handshakes/v1).
Exit code 0: all is as it must be. 1: something is not. Else the test could not be made.

Examples:
  oakum fips handshakes 2.9.2
  oakum fips handshakes 2.9.2 --channel fips --kubernetes 1.36 --attach
  oakum fips handshakes 2.9.2 --from registry.example.com/flux --json`;

/** Adds `oakum fips handshakes`. */
export function addHandshakes(fips: Command, world: () => World): void {
  withSigning(fips.command('handshakes'))
    .description('measure what the real source-controller of a release accepts and refuses of TLS and SSH')
    .argument('<version>', 'a release or revision: 2.9.2, 2.9.2-r1')
    .addOption(channelOption())
    .option('--kubernetes <version>', 'run on this minor (1.36) or patch (1.36.3); default: the newest minor')
    .option('--from <place>', 'where the release is: a folder that `oakum release` wrote, or a registry', 'out')
    .option('--out <folder>', 'where records are kept', 'out')
    .option('--refresh', 'take the newest patch of the minor, also where oakum.lock holds an older one')
    .option('--attach', 'attach the attestation to the image, where it is')
    .addOption(plainHttpOption())
    .addOption(definitionOption())
    .addOption(lockedOption())
    .addOption(unsandboxedOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_HANDSHAKES_DOES)
    .action(async (version, flags) =>
      (await import('./commands/fips-handshakes.ts')).measureHandshakes(version, flags, world()),
    );
}
