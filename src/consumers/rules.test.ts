// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { fieldsDropped } from './definition.ts';
import { readLines } from './line-policy.ts';
import { readManifestSet, splitImage } from './manifest-set.ts';
import { describeRight, exampleRoles } from './rights.ts';

describe('the policy of lines', () => {
  it.each([
    ['2.9.2', '2.9.3', undefined],
    ['2.9.3', '2.9.2', undefined],
    ['2.6.4', '2.9.2', undefined],
    ['unknown', '2.9.2', undefined],
    ['2.5.1', '2.9.2', 'LINES_SKIPPED'],
    ['2.9.2', '3.0.0', 'LINES_SKIPPED'],
    ['2.9.2', '2.8.4', 'DOWNGRADE'],
    ['2.10.0', '2.9.4', 'DOWNGRADE'],
  ])('says of %s to %s: %s', (from, to, code) => {
    expect(readLines(from, to)?.code).toBe(code);
  });

  it('names the line to stop at', () => {
    expect(readLines('2.4.0', '2.9.2')?.hint).toContain('2.7');
  });
});

describe('the fields that a schema drops', () => {
  const object = (spec: unknown) => ({
    apiVersion: 'a/v1',
    kind: 'A',
    metadata: { name: 'a' },
    spec,
    status: { x: 1 },
  });
  const schema = (spec: object) => ({ properties: { spec } });
  it.each([
    [{ properties: { a: {} } }, { a: 1 }, []],
    [{ properties: { a: {} } }, { a: 1, b: { c: 2 } }, ['spec.b']],
    [{ properties: { l: { items: { properties: { n: {} } } } } }, { l: [{ n: 1 }, { m: 2 }] }, ['spec.l[1].m']],
    [{ additionalProperties: { properties: { a: {} } } }, { k: { a: 1, b: 2 } }, ['spec.k.b']],
    [
      { 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { properties: {} } } },
      { b: 1, a: { c: 1 } },
      ['spec.a.c'],
    ],
    [
      { 'x-kubernetes-embedded-resource': true, properties: {} },
      { apiVersion: 'v1', kind: 'B', metadata: {}, x: 1 },
      ['spec.x'],
    ],
    [{ additionalProperties: true }, { a: { b: 1 } }, []],
  ])('%j of %j are %j', (spec, value, dropped) => {
    expect(fieldsDropped(schema(spec), object(value))).toEqual(dropped);
  });
});

describe('the example of roles', () => {
  it('joins resources with equal verbs, one Role for each namespace and a ClusterRole for the rest', () => {
    const rights = [
      { verb: 'patch', group: 'apps', resource: 'deployments', namespace: 'n' },
      { verb: 'get', group: 'apps', resource: 'deployments', namespace: 'n' },
      { verb: 'get', group: '', resource: 'services', namespace: 'n' },
      { verb: 'get', group: '', resource: 'configmaps', namespace: 'n' },
      { verb: 'patch', group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions', subresource: 'status' },
    ];
    expect(rights.map(describeRight)).toContain('patch customresourcedefinitions/status.apiextensions.k8s.io');
    const roles = parseAllDocuments(exampleRoles(rights)).map(
      (document) => document.toJS() as { kind: string; rules: unknown },
    );
    expect(roles).toMatchObject([
      {
        kind: 'Role',
        metadata: { namespace: 'n' },
        rules: [
          { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'patch'] },
          { apiGroups: [''], resources: ['configmaps', 'services'], verbs: ['get'] },
        ],
      },
      { kind: 'ClusterRole', rules: [{ resources: ['customresourcedefinitions/status'], verbs: ['patch'] }] },
    ]);
  });
});

describe('the reader of install manifests', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const deployment = (namespace: string, name = 'source-controller') => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}, labels: {app.kubernetes.io/part-of: flux, app.kubernetes.io/component: ${name}}}
spec: {template: {spec: {containers: [{name: manager, image: "r.example.com:5000/flux/${name}:v1@${digest}"}]}}}
`;
  it('reads title, namespace and pins', () => {
    const text = `---\n# Flux Version: v2.9.2\n# Revision: 2.9.2-r1\n# Channel: fips\n${deployment('flux')}`;
    expect(readManifestSet(text, 'x')).toMatchObject({
      release: '2.9.2',
      revision: '2.9.2-r1',
      channel: 'fips',
      namespace: 'flux',
      images: [
        { component: 'source-controller', name: 'r.example.com:5000/flux/source-controller', tag: 'v1', digest },
      ],
    });
  });

  it.each([
    ['# Flux Version: v2.9.2\n', 'no controller'],
    [deployment('a'), 'which release'],
    [
      `# Flux Version: v2.9.2\n${deployment('a')}---\n${deployment('b', 'kustomize-controller')}`,
      'one named namespace',
    ],
  ])('refuses what installs nothing whole: %#', (text, words) => {
    expect(() => readManifestSet(text, 'x')).toThrow(
      expect.objectContaining({ code: 'MANIFESTS_UNUSABLE', message: expect.stringContaining(words) }),
    );
  });

  it.each([
    ['a', { name: 'a', tag: undefined, digest: undefined }],
    ['h:5000/a', { name: 'h:5000/a', tag: undefined, digest: undefined }],
    ['h:5000/a:t', { name: 'h:5000/a', tag: 't', digest: undefined }],
    [`h/a@${digest}`, { name: 'h/a', tag: undefined, digest }],
    ['h/a:t@sha256:short', { name: 'h/a', tag: 't', digest: undefined }],
  ])('splits %s', (image, parts) => {
    expect(splitImage(image)).toEqual(parts);
  });
});
