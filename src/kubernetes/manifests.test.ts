// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { orderForApply, parseManifests, refOf } from '#kubernetes';

const object = (kind: string, name: string, more = '') =>
  `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n${more}`;

describe('the manifest reader', () => {
  it('gives the objects of all documents in order, lists taken apart and empty documents passed over', () => {
    const list = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'c' } },
        { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'n' } },
      ],
    });
    const text = `# only a comment\n---\n${object('ConfigMap', 'a')}---\n# nothing\n---\n${object('ConfigMap', 'b')}---\n${list}`;
    expect(parseManifests(text, 'x').map(refOf)).toEqual([
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'a' },
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'b' },
      { apiVersion: 'v1', kind: 'Secret', name: 'c' },
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', namespace: 'n' },
    ]);
  });

  it('reads YAML as Kubernetes does: octal modes and yes, but no dates and no base-60 numbers', () => {
    const [read] = parseManifests(
      object('ConfigMap', 'a', 'x: {mode: 0644, on: yes, day: 2026-01-01, time: 12:30:45}\n'),
      'x',
    );
    expect(read?.['x']).toEqual({ mode: 420, true: true, day: '2026-01-01', time: '12:30:45' });
  });

  it('tells all faults at once', () => {
    const text = `${object('ConfigMap', 'a')}---\nfoo: 1\n---\n${object('ConfigMap', 'a')}---\n- 1\n`;
    expect(() => parseManifests(text, 'file.yaml')).toThrow(
      expect.objectContaining({
        code: 'MANIFEST_INVALID',
        where: 'file.yaml',
        message: expect.stringMatching(/document 2: [^]*document 4: [^]*ConfigMap a is there more than once/),
      }),
    );
  });

  it.each(['{', 'a: b: c', '&a [*a, *a]\n--- *b', '\u0000', object('ConfigMap', 'a', 'x: &x [a]\ny: *z\n')])(
    'refuses what is no YAML or no object: %j',
    (text) => {
      expect(() => parseManifests(text, 'x')).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
    },
  );

  it('refuses aliases that grow without bounds', () => {
    const levels = Array.from({ length: 12 }, (_, at) => `l${at + 1}: &l${at + 1} [${`*l${at},`.repeat(10)}]`);
    const text = object('ConfigMap', 'a', `l0: &l0 [x]\n${levels.join('\n')}\n`);
    expect(() => parseManifests(text, 'x')).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
  });
});

describe('the order of applying', () => {
  it('has namespaces and definitions first, rights before their bindings, webhooks last', () => {
    const kinds = [
      'ValidatingWebhookConfiguration',
      'Deployment',
      'Alert',
      'RoleBinding',
      'Role',
      'CustomResourceDefinition',
      'Namespace',
    ];
    const { definitions, rest } = orderForApply(
      kinds.map((kind) => ({ apiVersion: 'v1', kind, metadata: { name: kind.toLowerCase() } })),
    );
    expect(definitions.map(({ kind }) => kind)).toEqual(['Namespace', 'CustomResourceDefinition']);
    expect(rest.map(({ kind }) => kind)).toEqual([
      'Role',
      'RoleBinding',
      'Deployment',
      'Alert',
      'ValidatingWebhookConfiguration',
    ]);
  });
});
