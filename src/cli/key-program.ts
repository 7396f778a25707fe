// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import type { World } from './world.ts';

/** Adds `oakum key` and what is below it. */
export function addKey(program: Command, world: () => World): void {
  const key = program.command('key').description('show or make keys that sign evidence').helpCommand(false);
  key
    .command('public')
    .description("print the public half (PEM) of this machine's key")
    .option('--key <key>', 'of this private key instead: a file, or awskms:///KEY')
    .addHelpText(
      'after',
      `
The password of an encrypted key is read from OAKUM_KEY_PASSWORD or COSIGN_PASSWORD.

Examples:
  oakum key public > oakum.pub
  oakum key public --key cosign.key
  oakum key public --key awskms:///alias/oakum`,
    )
    .action(async (flags) => (await import('./commands/key.ts')).printPublicKey(flags, world()));
  key
    .command('generate')
    .description("make this machine's key pair; signing does so by itself when there is none")
    .addOption(new Option('--type <type>', 'the kind of key').choices(['ecdsa-p256', 'ed25519']).default('ecdsa-p256'))
    .option('--output <prefix>', 'write PREFIX.key and PREFIX.pub instead')
    .option('--cosign', "with --output: in cosign's encrypted form, as any key with a password is")
    .addHelpText(
      'after',
      `
The password of a key with --output is read from OAKUM_KEY_PASSWORD or COSIGN_PASSWORD; without one the key is not encrypted.

Examples:
  oakum key generate
  OAKUM_KEY_PASSWORD="$(cat password)" oakum key generate --output release --type ed25519`,
    )
    .action(async (flags) => (await import('./commands/key.ts')).generateKeyPair(flags, world()));
}
