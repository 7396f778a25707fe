// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseManifests } from '#kubernetes';
import { chooseAddresses, localArguments } from './addresses.ts';
import { readDeployment } from './pod.ts';

/** As flux2's manifests have it, shortened. */
const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: source-controller, namespace: flux-system}
spec:
  template:
    spec:
      serviceAccountName: source-controller
      containers:
      - name: manager
        args:
        - --events-addr=http://notification-controller.flux-system.svc.cluster.local./
        - --watch-all-namespaces=true
        - --storage-path=/data
        - --storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.cluster.local.
        - --unknown=$(NOTHING)
        env:
        - {name: RUNTIME_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
        - {name: TUF_ROOT, value: /tmp/.sigstore}
        - {name: GOMAXPROCS, valueFrom: {resourceFieldRef: {containerName: manager, resource: limits.cpu}}}
        - {name: GOMEMLIMIT, valueFrom: {resourceFieldRef: {containerName: manager, resource: limits.memory}}}
        resources: {limits: {cpu: 1500m, memory: 1Gi}}
        volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
      volumes:
      - {name: data, emptyDir: {}}
      - {name: tmp, emptyDir: {}}
`;

function read(text: string) {
  const [deployment] = parseManifests(text, 'test');
  if (deployment === undefined) throw new Error('no Deployment');
  return readDeployment(deployment);
}

describe('the reader of Deployments', () => {
  it('gives what the container would be started with', () => {
    expect(read(DEPLOYMENT)).toEqual({
      component: 'source-controller',
      namespace: 'flux-system',
      serviceAccount: 'source-controller',
      args: [
        '--events-addr=http://notification-controller.flux-system.svc.cluster.local./',
        '--watch-all-namespaces=true',
        '--storage-path=/data',
        '--storage-adv-addr=source-controller.flux-system.svc.cluster.local.',
        '--unknown=$(NOTHING)',
      ],
      env: { RUNTIME_NAMESPACE: 'flux-system', TUF_ROOT: '/tmp/.sigstore', GOMAXPROCS: '2', GOMEMLIMIT: '1073741824' },
      writable: ['/data', '/tmp'],
    });
  });

  it.each([
    [
      'a volume that only a node has',
      DEPLOYMENT.replace('{name: tmp, emptyDir: {}}', '{name: tmp, hostPath: {path: /}}'),
    ],
    ['two containers', DEPLOYMENT.replace('      volumes:', '      - {name: other}\n      volumes:')],
    ['a field that nothing sets here', DEPLOYMENT.replace('metadata.namespace}', 'status.podIP}')],
  ])('refuses %s', (_, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'DEPLOYMENT_UNUSABLE' }));
  });
});

describe('addresses of controllers', () => {
  it('take the place of names of Services, each another, and leave all other arguments', async () => {
    const names = ['source-controller', 'notification-controller', 'source-watcher'];
    const addresses = await chooseAddresses(names);
    const { shared, own } = addresses;
    const all = [...Object.values(shared), ...[...own.values()].flatMap(({ health, metrics }) => [health, metrics])];
    expect(new Set(all).size).toBe(10);
    expect(all.every((one) => /^127\.0\.0\.1:\d+$/.test(one))).toBe(true);
    expect(localArguments(read(DEPLOYMENT), addresses)).toEqual([
      '--watch-all-namespaces=true',
      '--storage-path=/data',
      '--unknown=$(NOTHING)',
      `--health-addr=${own.get('source-controller')?.health}`,
      `--metrics-addr=${own.get('source-controller')?.metrics}`,
      `--events-addr=http://${shared.events}/`,
      `--storage-addr=${shared.storage}`,
      `--storage-adv-addr=${shared.storage}`,
    ]);
    expect(localArguments({ component: 'notification-controller', args: [] }, addresses)).toContain(
      `--receiverAddr=${shared.receiver}`,
    );
    expect(localArguments({ component: 'source-watcher', args: [] }, addresses)).toContain(
      `--storage-adv-addr=${shared.watcherStorage}`,
    );
  });
});
