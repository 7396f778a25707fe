// SPDX-License-Identifier: Apache-2.0
import { at, conditionOf, type KubernetesObject } from '#kubernetes';
import { createKeyPair } from '../../certificates.ts';
import { StepFailure } from '../failure.ts';
import { ACCESS, INTERVAL, loginSecrets, secret } from '../objects.ts';
import { textAt } from '../reading.ts';
import type { Draft, Stage } from '../stage.ts';
import type { SignedArtifact } from '../types.ts';
import type { Step } from './step.ts';

/** What the step is called, also where it can't be played. */
export const VERIFICATION = 'OCIRepository verifies the signature of the install manifests';

const [TRUSTED, STRANGER] = ['trusted-key', 'other-key'];
const INSTALL = 'gotk-components.yaml';
const TAG = 'latest';

/**
 * Gives the step that pulls the published artifact of the revision's manifests by `spec.verify`: it is taken with the key that signed it,
 * refused with another key, and refused where its signature is missing.
 */
export function verification({ artifact, publicKey }: Extract<SignedArtifact, { kind: 'signed' }>): Step {
  return {
    name: VERIFICATION,
    namespace: 'oakum-verification',
    async play(stage) {
      const { registry } = stage.servers;
      registry.copy('verified/signed', TAG, artifact);
      registry.copy('verified/unsigned', TAG, { ...artifact, referrers: [] });
      await stage.apply(
        ...loginSecrets(stage.servers),
        secret(TRUSTED, { 'cosign.pub': publicKey }),
        secret(STRANGER, { 'cosign.pub': createKeyPair().certificate }),
        verified('signed', { repository: 'signed', key: TRUSTED }, stage),
        verified('unsigned', { repository: 'unsigned', key: TRUSTED }, stage),
        verified('stranger', { repository: 'signed', key: STRANGER }, stage),
      );
      const [taken] = await Promise.all([
        stage.ready('OCIRepository', 'signed'),
        isRefused('unsigned', stage),
        isRefused('stranger', stage),
      ]);
      return isTaken(taken, artifact.manifest.descriptor.digest, stage);
    },
  };
}

function verified(name: string, { repository, key }: { repository: string; key: string }, { servers }: Stage): Draft {
  return {
    kind: 'OCIRepository',
    name,
    spec: {
      interval: INTERVAL,
      url: `oci://${servers.registry.host}/verified/${repository}`,
      ref: { tag: TAG },
      verify: { provider: 'cosign', secretRef: { name: key } },
      ...ACCESS.registry,
    },
  };
}

async function isTaken(source: KubernetesObject, digest: string, stage: Stage): Promise<string> {
  if (conditionOf(source, 'SourceVerified')?.status !== 'True')
    throw new StepFailure('the artifact is ready, but not verified');
  const revision = textAt(source, 'status', 'artifact', 'revision');
  if (!revision.endsWith(`@${digest}`)) throw new StepFailure(`${revision} was pulled where ${digest} was published`);
  const files = Object.keys(await stage.artifact(source)).join(', ');
  if (files !== INSTALL) throw new StepFailure(`the artifact holds ${files} where it should hold ${INSTALL}`);
  return `${digest} taken; refused with another key and without signature`;
}

async function isRefused(name: string, stage: Stage): Promise<void> {
  const ref = stage.ref('OCIRepository', name);
  const object = await stage.until(ref, 'judged', (one) => conditionOf(one, 'SourceVerified') !== undefined);
  const { status, reason } = conditionOf(object, 'SourceVerified') ?? {};
  if (status !== 'False' || reason !== 'VerificationError' || at(object, 'status', 'artifact') !== undefined)
    throw new StepFailure(`OCIRepository ${name} is not refused, though its signature can't be right`);
}
