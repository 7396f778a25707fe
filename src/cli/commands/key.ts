// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { createFile, OakumError } from '#core';
import { generateKey, type KeyKind, openLocalKey } from '#evidence';
import { passwordOf, publicKeyOf } from '../signer.ts';
import type { World } from '../world.ts';

/** `oakum key public`: prints the public half (PEM) of this machine's key, or of the one named. */
export async function printPublicKey(flags: { readonly key?: string }, world: World): Promise<void> {
  process.stdout.write(await publicKeyOf(flags.key, world));
}

/** `oakum key generate`: makes this machine's key pair, or with --output one of its own. */
export async function generateKeyPair(
  flags: { readonly type: KeyKind; readonly output?: string; readonly cosign?: boolean },
  world: World,
): Promise<void> {
  const password = passwordOf(world);
  if (flags.output === undefined) {
    if (flags.cosign === true || password !== undefined) throw needsOutput();
    const local = await openLocalKey(world.stateFolder, { kind: flags.type });
    if (!local.created) throw alreadyThere(local.path);
    process.stdout.write(`private key: ${local.path}\npublic key: ${local.publicPath}\n`);
    return;
  }
  const prefix = resolve(world.workingFolder, flags.output);
  const files = await generateKey({
    kind: flags.type,
    ...(flags.cosign === true ? { format: 'cosign' } : {}),
    ...(password === undefined ? {} : { password }),
  });
  const paths = { private: `${prefix}.key`, public: `${prefix}.pub` };
  // The public half first: if the second is there already, what is left behind is no secret.
  if (!(await createFile(paths.public, files.publicKey, 0o644))) throw alreadyThere(paths.public);
  if (!(await createFile(paths.private, files.privateKey))) throw alreadyThere(paths.private);
  process.stdout.write(`private key: ${paths.private}\npublic key: ${paths.public}\n`);
}

function alreadyThere(where: string): OakumError {
  return new OakumError('usage', 'KEY_EXISTS', 'there is a key already', {
    where,
    hint: 'It is not replaced: what it signed could not be verified any more. Move it away, or choose another --output.',
  });
}

function needsOutput(): OakumError {
  return new OakumError('usage', 'FLAG_INVALID', "this machine's own key has no password and no other form", {
    hint: 'Give --output, or leave out --cosign and unset OAKUM_KEY_PASSWORD and COSIGN_PASSWORD.',
  });
}
