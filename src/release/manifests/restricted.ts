// SPDX-License-Identifier: Apache-2.0
import type { Container, PodSpec, SecurityContext } from './objects.ts';

/** What "restricted" lets a volume be (Pod Security Standards, "Volume Types"). */
const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/** Gives every way in which a Linux pod breaks the standard "restricted" (https://kubernetes.io/docs/concepts/security/pod-security-standards/). */
export function restrictedFaults(pod: PodSpec): readonly string[] {
  const containers = [...(pod.initContainers ?? []), ...(pod.containers ?? [])];
  const host = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => pod[name] === true);
  const volumes = (pod.volumes ?? []).flatMap((volume) =>
    Object.keys(volume).filter((name) => name !== 'name' && !VOLUMES.includes(name)),
  );
  return [
    ...(containers.length === 0 ? ['it has no container'] : []),
    ...host.map((name) => `${name} is set`),
    ...volumes.map((kind) => `a volume is a ${kind}`),
    ...commonFaults(pod.securityContext ?? {}).map((fault) => `its pod: ${fault}`),
    ...containers.flatMap((container) =>
      containerFaults(container, pod.securityContext ?? {}).map((fault) => `container ${container.name}: ${fault}`),
    ),
  ];
}

function containerFaults({ ports, securityContext: own = {} }: Container, pod: SecurityContext): readonly string[] {
  const { drop = [], add = [] } = own.capabilities ?? {};
  const seccomp = (own.seccompProfile ?? pod.seccompProfile)?.type;
  const must = (holds: boolean, fault: string) => (holds ? [] : [fault]);
  return [
    ...commonFaults(own),
    ...must(own.privileged !== true, 'it is privileged'),
    ...must(own.allowPrivilegeEscalation === false, 'allowPrivilegeEscalation is not false'),
    ...must((own.runAsNonRoot ?? pod.runAsNonRoot) === true, 'runAsNonRoot is not true'),
    ...must(drop.includes('ALL'), 'it does not drop ALL capabilities'),
    ...must(
      add.every((name) => name === 'NET_BIND_SERVICE'),
      `it adds the capabilities ${add.join(', ')}`,
    ),
    ...must(seccomp === 'RuntimeDefault' || seccomp === 'Localhost', 'it has no seccomp profile'),
    ...must(own.procMount === undefined || own.procMount === 'Default', 'procMount is not Default'),
    ...must(
      (ports ?? []).every(({ hostPort }) => !hostPort),
      'it takes a port of its host',
    ),
  ];
}

/** What the standard says of the members that pods and containers share. */
function commonFaults(context: SecurityContext): readonly string[] {
  const { appArmorProfile, runAsUser, seccompProfile, seLinuxOptions, sysctls, windowsOptions } = context;
  const must = (holds: boolean, fault: string) => (holds ? [] : [fault]);
  const types = [undefined, '', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'];
  return [
    ...must(runAsUser !== 0, 'it runs as root'),
    ...must(seccompProfile?.type !== 'Unconfined', 'its seccomp profile is Unconfined'),
    ...must(appArmorProfile?.type !== 'Unconfined', 'its AppArmor profile is Unconfined'),
    ...must(types.includes(seLinuxOptions?.type), `its SELinux type is ${seLinuxOptions?.type}`),
    ...must(!seLinuxOptions?.user && !seLinuxOptions?.role, 'it sets a SELinux user or role'),
    ...must((sysctls ?? []).length === 0, 'it sets sysctls'), // the standard lets some through; no controller needs one
    ...must(windowsOptions?.hostProcess !== true, 'it is a host process'),
  ];
}
