// SPDX-License-Identifier: Apache-2.0
import { at, isKubernetesError, type KubernetesObject, type ObjectRef, refOf } from '#kubernetes';
import { StepFailure } from './failure.ts';
import { gitRepository, loginSecrets } from './objects.ts';
import { textAt } from './reading.ts';
import { MANAGER, type Stage } from './stage.ts';
import type { ScenarioRequest } from './types.ts';

const KIND = 'GitRepository';
const NAME = 'migrated';
/** A version that Flux had and has given up. */
const OLD = 'v1beta2';

interface Version {
  readonly name: string;
  readonly [field: string]: unknown;
}

/**
 * Stores an object in an old version of the API, as a cluster that came a long way has it, and takes the version away: first without a
 * migration, which the API server must refuse, then with one. Gives what was seen; throws {@link StepFailure}.
 */
export async function playMigration(
  stage: Stage,
  definitions: readonly KubernetesObject[],
  migrate: NonNullable<ScenarioRequest['migrate']>,
): Promise<string> {
  const definition = definitions.find((one) => at(one, 'spec', 'names', 'kind') === KIND);
  if (definition === undefined) throw new StepFailure(`the cluster has no kind ${KIND}`);
  const crd = refOf(definition);
  const versions = at(definition, 'spec', 'versions') as readonly Version[];
  const group = textAt(definition, 'spec', 'group');
  try {
    await setVersions(stage, crd, withOld(versions));
    const old: ObjectRef = { apiVersion: `${group}/${OLD}`, kind: KIND, namespace: stage.namespace, name: NAME };
    await stage.servers.repositories.create(NAME, { 'a.txt': 'one\n' });
    await stage.apply(...loginSecrets(stage.servers));
    const uid = await storeOld(stage, crd, old);
    await stage.ready(KIND, NAME);
    await refuses(stage, crd, versions);
    await migrate(stage.cluster, definition);
    await setVersions(stage, crd, versions);
    const stored = JSON.stringify(at(await stage.cluster.get(crd), 'status', 'storedVersions'));
    if (stored.includes(OLD)) throw new StepFailure(`${crd.name} still says that ${OLD} is stored: ${stored}`);
    await stage.reconcile(KIND, NAME);
    const kept = await stage.ready(KIND, NAME);
    if (kept.metadata.uid !== uid) throw new StepFailure(`${KIND} ${NAME} is not the object that was stored`);
    return `an object stored in ${OLD} is stored in ${stored} now, and is reconciled`;
  } finally {
    await setVersions(stage, crd, versions).catch(() => {}); // the verdict tells
  }
}

/** The same versions, and before them the old one, in which objects are stored now. */
function withOld(versions: readonly Version[]): readonly Version[] {
  const [newest] = versions;
  if (newest === undefined) throw new StepFailure(`the CRD of ${KIND} has no versions`);
  const others = versions.filter(({ name }) => name !== OLD).map((version) => ({ ...version, storage: false }));
  return [...others, { ...newest, name: OLD, served: true, storage: true }];
}

async function setVersions(stage: Stage, crd: ObjectRef, versions: readonly Version[]): Promise<void> {
  await stage.cluster.patch(crd, { type: 'merge', body: { spec: { versions } } });
}

/** The API server serves a new version some moments after it was told of it. */
async function storeOld({ cluster, servers, ...stage }: Stage, crd: ObjectRef, old: ObjectRef): Promise<string> {
  let uid: string | undefined;
  const { kind, name, ...fields } = gitRepository(NAME, servers);
  const { apiVersion, namespace } = old;
  await stage.wait(`${apiVersion} is served`, crd, async () => {
    try {
      const object = { apiVersion, kind, metadata: { name, namespace: namespace ?? '' }, ...fields };
      uid = (await cluster.create(object, { manager: MANAGER })).metadata.uid;
      return true;
    } catch (error) {
      if (isKubernetesError(error, 'KIND_UNKNOWN', 'CLUSTER_NOT_FOUND')) return false;
      throw error;
    }
  });
  return uid ?? '';
}

/** An API server does not let go of a version in which objects may be stored. */
async function refuses(stage: Stage, crd: ObjectRef, versions: readonly Version[]): Promise<void> {
  try {
    await setVersions(stage, crd, versions);
  } catch (error) {
    if (isKubernetesError(error, 'CLUSTER_INVALID')) return;
    throw error;
  }
  throw new StepFailure(`the API server let ${OLD} go although objects are stored in it`);
}
