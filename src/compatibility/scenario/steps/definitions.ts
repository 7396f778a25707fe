// SPDX-License-Identifier: Apache-2.0
import { at, type Cluster, conditionOf, type KubernetesObject } from '#kubernetes';
import { StepFailure } from '../failure.ts';
import { textAt } from '../reading.ts';

const CRD = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' } as const;
const GROUP = /(?:^|\.)fluxcd\.io$/;

/** The kinds of Flux in a cluster. */
export interface FluxKinds {
  /** The version in which objects of a kind are stored, `source.toolkit.fluxcd.io/v1`, by kind. */
  readonly stored: ReadonlyMap<string, string>;
  readonly definitions: readonly KubernetesObject[];
}

/** Reads the CRDs of Flux from a cluster. Throws {@link StepFailure} where there are none or the API server does not serve one. */
export async function readKinds(cluster: Cluster): Promise<FluxKinds> {
  const definitions = (await cluster.list(CRD)).filter((crd) => GROUP.test(textAt(crd, 'spec', 'group')));
  if (definitions.length === 0) throw new StepFailure('the cluster has no CustomResourceDefinitions of Flux');
  const broken = definitions.flatMap((crd) =>
    ['NamesAccepted', 'Established'].flatMap((type) => {
      const condition = conditionOf(crd, type);
      return condition?.status === 'True' ? [] : [`${crd.metadata.name}: not ${type}: ${condition?.message ?? ''}`];
    }),
  );
  if (broken.length > 0) throw new StepFailure(broken.join('\n  '));
  const stored = new Map(definitions.map((crd) => [textAt(crd, 'spec', 'names', 'kind'), storedVersionOf(crd)]));
  return { stored, definitions };
}

function storedVersionOf(crd: KubernetesObject): string {
  const versions = at(crd, 'spec', 'versions') as readonly { readonly name: string; readonly storage: boolean }[];
  return `${textAt(crd, 'spec', 'group')}/${versions.find(({ storage }) => storage)?.name}`;
}
