// SPDX-License-Identifier: Apache-2.0
import { startTransparencyLog } from '#testing';
import {
  attach,
  keylessSigner,
  keySigner,
  type LooseBundle,
  type LooseEntry,
  signImage,
  statementsOf,
} from '../verify-stage.ts';
import { type VerifyCase, byLoggedKey, byIdentity, flipped } from './case.ts';

function entryOf({ tlogEntries: [entry] }: LooseBundle['verificationMaterial']): LooseEntry {
  if (entry === undefined) throw new Error('the bundle has no log entry');
  return entry;
}

/** Changes the log entries of a keyless bundle, then attaches it. */
function withEntries(change: (bundle: LooseBundle) => void): VerifyCase['prepare'] {
  return async (stage, image) => {
    await attach(image, keylessSigner(stage), { change });
    return byIdentity(stage, image);
  };
}

/** Log entries that are missing, repeated, foreign or changed. */
export const LOGS: readonly VerifyCase[] = [
  {
    name: 'missing log entry',
    prepare: withEntries(({ verificationMaterial }) => {
      verificationMaterial.tlogEntries = [];
    }),
    expected: 'no',
    reason: /nothing proves when it was signed/,
    cosign: 'no',
  },
  {
    name: 'missing log entry, with a key',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage));
      return byLoggedKey(stage, image);
    },
    expected: 'no',
    reason: /no entry in a transparency log/,
    cosign: 'no',
  },
  {
    name: 'repeated log entry',
    prepare: withEntries(({ verificationMaterial }) => {
      verificationMaterial.tlogEntries.push(structuredClone(entryOf(verificationMaterial)));
    }),
    expected: 'no',
    reason: /listed more than once|duplicate timestamp/,
    cosign: 'no',
  },
  {
    name: 'log entry of another signature',
    prepare: async (stage, image) => {
      const other = (await keylessSigner(stage).sign(statementsOf(image)[1] as never)).bundle as unknown as LooseBundle;
      await attach(image, keylessSigner(stage), {
        change: ({ verificationMaterial }) => {
          verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries;
        },
      });
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /mismatch|names another signer/,
    cosign: 'no',
  },
  {
    name: 'entry in a log that the root does not name',
    prepare: async (stage, image) => {
      const log = await startTransparencyLog();
      await attach(image, keylessSigner(stage, { logUrl: log.url }));
      await log.stop();
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /promise could not be verified|log/,
    cosign: 'no',
  },
  {
    name: 'checkpoint of another log',
    prepare: async (stage, image) => {
      const log = await startTransparencyLog();
      const foreign = (await keylessSigner(stage, { logUrl: log.url }).sign(statementsOf(image)[0] as never))
        .bundle as unknown as LooseBundle;
      await attach(image, keylessSigner(stage), {
        change: ({ verificationMaterial }) => {
          const { checkpoint } = entryOf(foreign.verificationMaterial).inclusionProof;
          entryOf(verificationMaterial).inclusionProof.checkpoint = checkpoint;
        },
      });
      await log.stop();
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /checkpoint/,
    cosign: 'no',
  },
  {
    name: 'tampered inclusion proof',
    prepare: async (stage, image) => {
      stage.service.log.fill(5);
      await attach(image, keylessSigner(stage), {
        change: ({ verificationMaterial }) => {
          const { hashes } = entryOf(verificationMaterial).inclusionProof;
          hashes[0] = flipped(hashes[0] ?? '');
        },
      });
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /root hash/,
    cosign: 'no',
  },
  {
    name: 'time in the entry changed',
    prepare: withEntries(({ verificationMaterial }) => {
      const entry = entryOf(verificationMaterial);
      entry.integratedTime = String(Number(entry.integratedTime) + 60);
    }),
    expected: 'no',
    reason: /promise could not be verified/,
    cosign: 'no',
  },
  {
    name: "the log's clock is an hour ahead",
    prepare: async (stage, image) => {
      stage.skew.milliseconds = 3_600_000;
      await signImage(image, keylessSigner(stage, { clock: { now: () => new Date(0), sleep: async () => {} } }));
      stage.skew.milliseconds = 0;
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /in the future of this machine's clock/,
    cosign: 'yes',
    cosign2: 'yes',
    note: 'cosign compares times with each other, not with the clock',
  },
];
