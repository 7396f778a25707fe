// SPDX-License-Identifier: Apache-2.0
import type { CryptoMode } from '#build';
import { type Cluster, type KubernetesObject, openCluster } from '#kubernetes';
import { type Draft, MANAGER } from '../scenario/stage.ts';
import { readKinds } from '../scenario/steps/definitions.ts';
import type { ScenarioRequest } from '../scenario/types.ts';
import { describeUnclear, type HandshakeResult, type Handshakes, readAnswer, type Seen } from './result.ts';
import type { Trial, Trials } from './trials.ts';

/** How long answers are waited for, in milliseconds: where a machine has nothing else to do, all are there in seconds. */
const PATIENCE = 120_000;
const TICK = 200;
const NAMESPACE = 'oakum-handshakes';

/**
 * Sends source-controller to servers that each offer one thing, and reads what it takes and what it refuses; `mode`, how its image's
 * cryptography is built, says what it should. Throws what the API server says against an object, and the signal's reason.
 */
export async function playHandshakes(
  { cluster: { kubeconfig }, clock, run, signal }: ScenarioRequest,
  { trials, listeners, drafts }: Trials,
  mode: CryptoMode,
): Promise<Handshakes> {
  const cluster = await openCluster({ files: [kubeconfig] }, { clock, run, signal });
  const { stored: kinds } = await readKinds(cluster);
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, { manager: MANAGER });
  for (const draft of [...drafts, ...trials.flatMap((trial) => trial.drafts)])
    await cluster.apply(toObject(draft, kinds), { manager: MANAGER, force: true });
  const says = () => ({ tls: listeners.tls.heard(), ssh: listeners.ssh.heard() });
  const answers = new Map<Trial, Seen>();
  const isDone = () => answers.size === trials.length && says().tls !== undefined && says().ssh !== undefined;
  const end = clock.now().getTime() + PATIENCE;
  let objects = await readSources(trials, { cluster, kinds });
  for (;;) {
    // The first answer counts: a controller forgets what it said while it tries again.
    for (const trial of trials) {
      const answer = answers.get(trial) ?? answerOf(trial, objects);
      if (answer !== undefined) answers.set(trial, answer);
    }
    if (isDone() || clock.now().getTime() >= end) break;
    await clock.sleep(TICK, signal);
    objects = await readSources(trials, { cluster, kinds });
  }
  return {
    results: trials.map((trial) => resultOf(trial, { answer: answers.get(trial), objects, mode })),
    says: says(),
  };
}

type Objects = ReadonlyMap<string, KubernetesObject>;

/** Gives all sources that trials made, by kind and name. */
async function readSources(
  trials: readonly Trial[],
  { cluster, kinds }: { readonly cluster: Cluster; readonly kinds: ReadonlyMap<string, string> },
): Promise<Objects> {
  const names = [...new Set(trials.flatMap((trial) => trial.drafts.at(-1)?.kind ?? []))];
  const lists = await Promise.all(
    names.map((kind) => cluster.list({ apiVersion: kinds.get(kind) ?? '', kind }, { namespace: NAMESPACE })),
  );
  return new Map(lists.flat().map((object) => [`${object.kind}/${object.metadata.name}`, object]));
}

function sourceOf({ drafts }: Trial, objects: Objects): KubernetesObject | undefined {
  const source = drafts.at(-1);
  return objects.get(`${source?.kind}/${source?.name}`);
}

function answerOf(trial: Trial, objects: Objects): Seen | undefined {
  if (trial.fault !== undefined)
    return { seen: 'unclear', detail: `the server of the test is at fault: ${trial.fault}` };
  return readAnswer(trial.offer, trial.server.sight, sourceOf(trial, objects), trial.isBare);
}

function resultOf(
  trial: Trial,
  {
    answer,
    objects,
    mode,
  }: { readonly answer: Seen | undefined; readonly objects: Objects; readonly mode: CryptoMode },
): HandshakeResult {
  const { protocol, aspect, name, expected } = trial.offer;
  const unclear = { seen: 'unclear', detail: describeUnclear(trial.server.sight, sourceOf(trial, objects)) } as const;
  return { protocol, aspect, name, expected: expected[mode], ...(answer ?? unclear) };
}

function toObject({ kind, name, ...fields }: Draft, kinds: ReadonlyMap<string, string>): KubernetesObject {
  const apiVersion = kind === 'Secret' ? 'v1' : (kinds.get(kind) ?? '');
  return { apiVersion, kind, metadata: { name, namespace: NAMESPACE }, ...fields };
}
