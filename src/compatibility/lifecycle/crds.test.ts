// SPDX-License-Identifier: Apache-2.0
import { array, assert, constantFrom, nat, oneof, property, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareApis, deprecatedOf, kindsOf, mergeKinds, storageOf } from './api-changes.ts';
import { recordedKinds } from './api-record.ts';
import { type ApiKind, compareApiVersions, parseCrd } from './crds.ts';

interface Made {
  readonly kind?: string;
  readonly group?: string;
  readonly name?: string;
  /** `v1*` stored, `v1beta1-` deprecated, `v1beta1!` not served. */
  readonly versions: string;
}

/** The text of a CustomResourceDefinition with these versions, as controller-gen writes it. */
function crd({
  kind = 'Widget',
  group = 'made.example.com',
  name = `${kind.toLowerCase()}s.${group}`,
  versions,
}: Made) {
  const items = versions.split(' ').map((text) => {
    const version = text.replace(/[*!-]+$/, '');
    const deprecated = text.includes('-') ? '    deprecated: true\n    deprecationWarning: upgrade\n' : '';
    return `  - name: ${version}\n${deprecated}    schema: {}\n    served: ${!text.includes('!')}\n    storage: ${text.includes('*')}\n`;
  });
  return `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: ${name}
spec:
  group: ${group}
  names:
    kind: ${kind}
    plural: ${kind.toLowerCase()}s
  scope: Namespaced
  versions:
${items.join('')}`;
}

const read = (made: Made) => parseCrd(crd(made), 'made.yaml') as ApiKind;

describe('a CustomResourceDefinition', () => {
  it('gives its kind with the served versions, the most stable first', () => {
    expect(read({ versions: 'v1alpha1! v1beta1- v1beta2 v1*' })).toEqual({
      group: 'made.example.com',
      kind: 'Widget',
      plural: 'widgets',
      versions: [
        { name: 'v1', storage: true, deprecated: false },
        { name: 'v1beta2', storage: false, deprecated: false },
        { name: 'v1beta1', storage: false, deprecated: true },
      ],
    });
    expect(parseCrd(crd({ versions: 'v1*!' }), 'made.yaml')).toBeUndefined();
  });

  it.each([
    ['no storage version', { versions: 'v1' }, /made\.yaml:13:\d+/, /0 versions are stored/],
    ['two storage versions', { versions: 'v1* v2*' }, /made\.yaml:13:\d+/, /2 versions are stored/],
    ['a version twice', { versions: 'v1* v1' }, /made\.yaml:17:\d+/, /v1 is there twice/],
    ['another name', { versions: 'v1*', name: 'x.example.com' }, /made\.yaml:5:\d+/, /must be widgets\.made/],
    ['no version at all', { versions: 'latest*' }, /made\.yaml:13:\d+/, /must be a version like v1/],
  ])('with %s is refused in its place', (_, made, where, message) => {
    expect(() => read(made)).toThrow(
      expect.objectContaining({
        code: 'CRD_INVALID',
        where: expect.stringMatching(where),
        message: expect.stringMatching(message),
      }),
    );
  });

  it.each([
    ['', 'empty'],
    ['a: [', 'broken'],
    ['apiVersion: v1\nkind: ConfigMap\n', 'something else'],
    [crd({ versions: 'v1*' }).replace('served: true', 'served: maybe'), 'a text for a boolean'],
  ])('that is none is refused (%#)', (text) => {
    expect(() => parseCrd(text, 'made.yaml')).toThrow(
      expect.objectContaining({ code: 'CRD_INVALID', where: expect.stringContaining('made.yaml') }),
    );
  });

  it('of any text gives a kind, nothing, or its own error with a place', () => {
    const whole = crd({ versions: 'v1beta1- v1*' });
    const edits = record({
      at: nat(whole.length),
      length: nat(30),
      text: oneof(string(), constantFrom('true', '*', '- ', '\n', '&a', '{')),
    });
    assert(
      property(array(edits, { maxLength: 4 }), (list) => {
        const text = list.reduce(
          (now, { at, length, text: put }) => now.slice(0, at) + put + now.slice(at + length),
          whole,
        );
        try {
          const kind = parseCrd(text, 'made.yaml');
          if (kind !== undefined) expect(kind.versions.filter(({ storage }) => storage).length).toBeLessThanOrEqual(1);
        } catch (error) {
          expect(error).toMatchObject({ code: 'CRD_INVALID', where: expect.stringContaining('made.yaml:') });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('orders versions as Kubernetes does', () => {
    // The example of https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority
    const inOrder = ['v10', 'v2', 'v1', 'v11beta2', 'v10beta3', 'v3beta1', 'v12alpha1', 'v11alpha2'];
    expect([...inOrder].reverse().sort((a, b) => compareApiVersions(b, a))).toEqual(inOrder);
  });
});

describe('the kinds of two lines', () => {
  it('differ in what was promoted, removed, deprecated, added and is gone', () => {
    const before = [
      read({ kind: 'Kept', versions: 'v1*' }),
      read({ kind: 'Grown', versions: 'v1beta2* v1beta1-' }),
      read({ kind: 'Aged', versions: 'v1* v1beta1' }),
      read({ kind: 'Lost', versions: 'v1beta1*' }),
    ];
    const after = [
      read({ kind: 'Kept', versions: 'v1*' }),
      read({ kind: 'Grown', versions: 'v1* v1beta2-' }),
      read({ kind: 'Aged', versions: 'v1* v1beta1-' }),
      read({ kind: 'New', versions: 'v1alpha1*' }),
    ];
    const group = 'made.example.com';
    expect(compareApis(before, after)).toEqual({
      added: [{ group, kind: 'New', version: 'v1alpha1' }],
      gone: [{ group, kind: 'Lost', version: 'v1beta1' }],
      promoted: [{ group, kind: 'Grown', version: 'v1', from: 'v1beta2' }],
      removed: [{ group, kind: 'Grown', version: 'v1beta1' }],
      deprecated: [
        { group, kind: 'Grown', version: 'v1beta2' },
        { group, kind: 'Aged', version: 'v1beta1' },
      ],
    });
    expect(kindsOf(after, 'alpha').map(({ kind }) => kind)).toEqual(['New']);
    expect(deprecatedOf(after)).toHaveLength(2);
    expect(compareApis(after, after)).toEqual({ added: [], gone: [], promoted: [], removed: [], deprecated: [] });
  });

  it('can not both declare one kind', () => {
    const kind = read({ versions: 'v1*' });
    expect(() => mergeKinds([[kind], [kind]])).toThrow(expect.objectContaining({ code: 'CRD_INVALID' }));
    expect(mergeKinds([[kind], [read({ versions: 'v1*', group: 'other.example.com' })]])).toHaveLength(2);
  });
});

describe('the recorded lines', () => {
  it('lost in 2.7 every first beta, in 2.8 the betas of sources, Kustomization and HelmRelease', () => {
    const kinds = (line: string) => recordedKinds(line) ?? [];
    const removed = (from: string, to: string) =>
      compareApis(kinds(from), kinds(to)).removed.map(({ kind, version }) => `${kind} ${version}`);
    expect(new Set(removed('2.6', '2.7').map((one) => one.split(' ')[1]))).toEqual(new Set(['v1beta1', 'v2beta1']));
    expect(removed('2.7', '2.8')).toEqual([
      'Bucket v1beta2',
      'GitRepository v1beta2',
      'HelmChart v1beta2',
      'HelmRelease v2beta2',
      'HelmRepository v1beta2',
      'Kustomization v1beta2',
      'OCIRepository v1beta2',
    ]);
    expect(
      compareApis(kinds('2.6'), kinds('2.7')).promoted.map(({ kind, from, version }) => [kind, from, version]),
    ).toEqual(['ImagePolicy', 'ImageRepository', 'ImageUpdateAutomation'].map((kind) => [kind, 'v1beta2', 'v1']));
    expect(kinds('2.8').map((kind) => storageOf(kind).name)).toEqual(expect.arrayContaining(['v1', 'v2', 'v1beta3']));
    expect(removed('2.8', '2.9')).toEqual(
      ['Alert', 'ImagePolicy', 'ImageRepository', 'ImageUpdateAutomation', 'Provider', 'Receiver'].map(
        (kind) => `${kind} v1beta2`,
      ),
    );
    expect(recordedKinds('2.5')).toBeUndefined();
  });
});
