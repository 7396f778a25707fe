// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { KubernetesObject } from '#kubernetes';
import { CompatibilityError } from '../error.ts';

/** What a Deployment of the install manifests says of the one container it runs. */
export interface PodSpec {
  /** The Deployment's name, which is the component's. */
  readonly component: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders that the container may write to. */
  readonly writable: readonly string[];
}

const text = z.string();
const envSchema = z.looseObject({
  name: text,
  value: text.optional(),
  valueFrom: z
    .looseObject({
      fieldRef: z.looseObject({ fieldPath: text }).optional(),
      resourceFieldRef: z.looseObject({ resource: text }).optional(),
    })
    .optional(),
});
const containerSchema = z.looseObject({
  args: z.array(text).default([]),
  env: z.array(envSchema).default([]),
  resources: z.looseObject({ limits: z.record(text, z.union([text, z.number()])).optional() }).optional(),
  volumeMounts: z.array(z.looseObject({ name: text, mountPath: text })).default([]),
});
const deploymentSchema = z.looseObject({
  metadata: z.looseObject({ name: text, namespace: text }),
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        serviceAccountName: text,
        containers: z.tuple([containerSchema]),
        volumes: z.array(z.looseObject({ name: text, emptyDir: z.unknown().optional() })).default([]),
      }),
    }),
  }),
});

type Container = z.infer<typeof containerSchema>;

/** Takes a Deployment; gives what its container is started with. Throws `DEPLOYMENT_UNUSABLE` for what the manifests of Flux do not use. */
export function readDeployment(object: KubernetesObject): PodSpec {
  const parsed = deploymentSchema.safeParse(object);
  if (!parsed.success) throw unusable(object, z.prettifyError(parsed.error).replaceAll('\n', ' '));
  const { metadata, spec } = parsed.data;
  const { serviceAccountName, containers, volumes } = spec.template.spec;
  const [container] = containers;
  const env = Object.fromEntries(
    container.env.map((one) => [one.name, valueOf(one, { namespace: metadata.namespace, container, object })]),
  );
  const empty = new Set(volumes.flatMap(({ name, emptyDir }) => (emptyDir === undefined ? [] : [name])));
  const other = container.volumeMounts.find(({ name }) => !empty.has(name));
  if (other !== undefined) throw unusable(object, `the volume ${other.name} is not an emptyDir`);
  return {
    component: metadata.name,
    namespace: metadata.namespace,
    serviceAccount: serviceAccountName,
    args: container.args.map((arg) => expand(arg, env)),
    env,
    writable: container.volumeMounts.map(({ mountPath }) => mountPath),
  };
}

/** `$(NAME)` stands for a variable of the container (https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/). */
function expand(arg: string, env: Readonly<Record<string, string>>): string {
  return arg.replace(/\$\(([A-Za-z_][A-Za-z0-9_]*)\)/g, (whole, name: string) => env[name] ?? whole);
}

function valueOf(
  { name, value, valueFrom }: z.infer<typeof envSchema>,
  { namespace, container, object }: { namespace: string; container: Container; object: KubernetesObject },
): string {
  if (valueFrom === undefined) return value ?? '';
  if (valueFrom.fieldRef?.fieldPath === 'metadata.namespace') return namespace;
  const resource = valueFrom.resourceFieldRef?.resource.replace(/^limits\./, '');
  const limit = resource === undefined ? undefined : container.resources?.limits?.[resource];
  const amount = limit === undefined ? undefined : quantityOf(String(limit));
  if (amount === undefined) throw unusable(object, `nothing is known to set ${name} from`);
  return String(amount);
}

const UNITS: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** Gives a quantity's amount, rounded up as for a resourceFieldRef with divisor 1: `1000m` is 1, `1Gi` 1073741824. */
function quantityOf(quantity: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi)?$/.exec(quantity) ?? [];
  const factor = UNITS[unit];
  return amount === undefined || factor === undefined ? undefined : Math.ceil(Number(amount) * factor);
}

function unusable({ metadata }: KubernetesObject, why: string): CompatibilityError {
  return new CompatibilityError(
    'DEPLOYMENT_UNUSABLE',
    `the Deployment ${metadata.name} can't be run without a node: ${why}`,
    {
      hint: 'Test with the manifests that `oakum manifests` makes.',
    },
  );
}
