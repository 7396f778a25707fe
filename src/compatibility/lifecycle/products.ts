// SPDX-License-Identifier: Apache-2.0

/** Those who run Kubernetes for others, with calendars of their own. */
export const PROVIDERS = ['eks', 'aks', 'gke', 'openshift'] as const;

/** A provider's name. */
export type Provider = (typeof PROVIDERS)[number];

/** What has a calendar here. */
export const PRODUCTS = ['flux', 'kubernetes', ...PROVIDERS] as const;

/** A product's name. */
export type Product = (typeof PRODUCTS)[number];

/** What is known of a product beside its dates. */
export interface ProductFacts {
  /** Its name on endoflife.date. */
  readonly feed: string;
  readonly title: string;
  /** What comes after standard support, where anything does. */
  readonly extended?: string;
  /** Where the feed has no dates of extended support but the provider promises a span: months from the release on, and since which minor. */
  readonly extendedRule?: { readonly months: number; readonly since: string; readonly source: string };
}

/** The products by name. endoflife.date's `eol` is the end of what is called standard here, its `eoes` that of extended support. */
export const PRODUCT_FACTS: Readonly<Record<Product, ProductFacts>> = {
  flux: { feed: 'flux', title: 'Flux' },
  kubernetes: { feed: 'kubernetes', title: 'Kubernetes' },
  eks: { feed: 'amazon-eks', title: 'Amazon EKS', extended: 'extended support' },
  aks: { feed: 'azure-kubernetes-service', title: 'Azure AKS', extended: 'long-term support' },
  gke: {
    feed: 'google-kubernetes-engine',
    title: 'Google GKE',
    extended: 'extended support',
    extendedRule: {
      months: 24,
      since: '1.27',
      source: 'https://cloud.google.com/kubernetes-engine/versioning',
    },
  },
  openshift: { feed: 'red-hat-openshift', title: 'Red Hat OpenShift', extended: 'extended update support' },
};

/**
 * Which Kubernetes an OpenShift holds: from 4.3 on, 4.x holds 1.(x+13) (https://access.redhat.com/solutions/4870701); earlier ones
 * differ and have long ended.
 */
const OPENSHIFT = { major: 4, since: 3, kubernetesMajor: 1, offset: 13 } as const;

/** Gives the Kubernetes minor inside an OpenShift minor: `1.31` of `4.18`; undefined where that is not known. */
export function kubernetesOfOpenShift(openShift: string): string | undefined {
  const [major, minor] = openShift.split('.').map(Number);
  if (major !== OPENSHIFT.major || minor === undefined || !(minor >= OPENSHIFT.since)) return undefined;
  return `${OPENSHIFT.kubernetesMajor}.${minor + OPENSHIFT.offset}`;
}

/** Gives the Kubernetes minor that a provider's cycle is. */
export function kubernetesOf(provider: Provider, cycle: string): string | undefined {
  return provider === 'openshift' ? kubernetesOfOpenShift(cycle) : cycle;
}
