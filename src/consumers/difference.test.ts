// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { differencesOf } from './difference.ts';

const object = (spec: unknown, metadata: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', ...metadata },
  spec,
});

describe('the difference of two objects', () => {
  it('leaves out what the server writes, and empty things', () => {
    const before = object(
      { a: {} },
      { uid: '1', resourceVersion: '2', generation: 3, managedFields: [{}], annotations: {} },
    );
    expect(differencesOf({ ...before, status: { replicas: 1 } }, object({}))).toEqual([]);
  });

  it('names the place by key, by name in lists of named things, and by number in others', () => {
    const before = object({
      containers: [
        { name: 'm', image: 'a' },
        { name: 'x', image: 'x' },
      ],
      rules: [{ verbs: ['get', 'list'] }],
      label: { 'app.kubernetes.io/name': 'a' },
    });
    const after = object({
      containers: [
        { name: 'n', image: 'n' },
        { name: 'm', image: 'b' },
      ],
      rules: [{ verbs: ['get', 'watch'] }],
      label: { 'app.kubernetes.io/name': 'b' },
    });
    expect(differencesOf(before, after)).toEqual([
      { path: 'spec.containers[m].image', before: 'a', after: 'b' },
      { path: 'spec.containers[x]', before: { name: 'x', image: 'x' }, after: undefined },
      { path: 'spec.containers[n]', before: undefined, after: { name: 'n', image: 'n' } },
      { path: 'spec.label[app.kubernetes.io/name]', before: 'a', after: 'b' },
      { path: 'spec.rules[0].verbs[]', before: 'list', after: undefined },
      { path: 'spec.rules[0].verbs[]', before: undefined, after: 'watch' },
    ]);
  });

  it('sees that a list has another order', () => {
    expect(differencesOf(object({ args: ['a', 'b'] }), object({ args: ['b', 'a'] }))).toEqual([
      { path: 'spec.args', before: ['a', 'b'], after: ['b', 'a'] },
    ]);
  });
});
