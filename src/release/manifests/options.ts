// SPDX-License-Identifier: Apache-2.0

/** How Flux is to be installed: what `flux install` lets one choose of its manifests. */
export interface InstallOptions {
  readonly namespace: string;
  /** In the order of the definition. */
  readonly components: readonly string[];
  readonly watchAllNamespaces: boolean;
  readonly networkPolicy: boolean;
  readonly logLevel: LogLevel;
  readonly clusterDomain: string;
  /** The secret that pods name for pulling images. */
  readonly pullSecret?: string;
  /** Keys of taints that pods bear. */
  readonly tolerationKeys: readonly string[];
}

/** What the controllers log. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The levels that every controller knows (fluxcd/pkg/runtime, package logger). */
export const LOG_LEVELS = ['debug', 'info', 'error'] as const;

/** What holds where nothing is said: the defaults of `flux install`. */
export const INSTALL_DEFAULTS: Omit<InstallOptions, 'components'> = {
  namespace: 'flux-system',
  watchAllNamespaces: true,
  networkPolicy: true,
  logLevel: 'info',
  clusterDomain: 'cluster.local',
  tolerationKeys: [],
};

/** RFC 1123 as Kubernetes reads it (Object Names and IDs). */
const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
/** A qualified name: an optional DNS prefix, then up to 63 characters. */
const QUALIFIED = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** Takes options as a person wrote them and the components there are; gives every fault as a sentence, none where they hold. */
export function optionFaults(options: InstallOptions, known: readonly string[]): readonly string[] {
  const unknown = options.components.filter((name) => !known.includes(name));
  const twice = options.components.filter((name, index) => options.components.indexOf(name) !== index);
  const must = (holds: boolean, fault: string) => (holds ? [] : [fault]);
  return [
    ...must(LABEL.test(options.namespace), `"${options.namespace}" is no name of a namespace`),
    ...must(options.components.length > 0, 'no component is named'),
    ...unknown.map((name) => `there is no component "${name}"`),
    ...twice.map((name) => `${name} is named twice`),
    ...must(LOG_LEVELS.includes(options.logLevel), `the log level is ${LOG_LEVELS.join(', ')}`),
    ...must(SUBDOMAIN.test(options.clusterDomain), `"${options.clusterDomain}" is no domain`),
    ...must(
      options.pullSecret === undefined || SUBDOMAIN.test(options.pullSecret),
      `"${options.pullSecret}" is no name of a secret`,
    ),
    ...options.tolerationKeys.flatMap((key) => must(QUALIFIED.test(key), `"${key}" is no key of a taint`)),
  ];
}
