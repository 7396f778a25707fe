// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { editDocument, styleOf } from './yaml-edit.ts';

function edit(text: string, value: unknown): { readonly text: string; readonly changed: boolean } {
  const document = parseDocument(text);
  const changed = editDocument(document, value);
  return { text: document.toString(styleOf(text)), changed };
}

const TEXT = `# who runs this
apiVersion: apps/v1
metadata:
  name: "source-controller" # quoted
  labels: {a: x, b: y} # short

spec:
  # two, for the day of the audit
  replicas: 2
  containers:
    - name: manager
      image: old:1 # the pin
      args:
        - --a=1
        # needed by the proxy
        - --b=2
    - name: side
      image: side:1
`;

const VALUE = {
  apiVersion: 'apps/v1',
  metadata: { name: 'source-controller', labels: { a: 'x', b: 'y' } },
  spec: {
    replicas: 2,
    containers: [
      { name: 'manager', image: 'old:1', args: ['--a=1', '--b=2'] },
      { name: 'side', image: 'side:1' },
    ],
  },
};

describe('the YAML editor', () => {
  it('leaves a document that says the value already to the letter', () => {
    expect(edit(TEXT, VALUE)).toEqual({ text: TEXT, changed: false });
  });

  it('changes one value and keeps all comments, quotes, order and blank lines', () => {
    const value = structuredClone(VALUE);
    value.spec.containers[0] = { name: 'manager', image: 'new:2', args: ['--b=2', '--c=3'] };
    value.spec.replicas = 1;
    expect(edit(TEXT, value)).toEqual({
      changed: true,
      text: TEXT.replace('old:1 #', 'new:2 #')
        .replace('replicas: 2', 'replicas: 1')
        .replace('        - --a=1\n', '')
        .replace('- --b=2\n', '- --b=2\n        - --c=3\n'),
    });
  });

  it('adds what is new, drops what is gone, and matches by name what has moved', () => {
    const value = {
      ...VALUE,
      spec: { containers: [VALUE.spec.containers[1], VALUE.spec.containers[0]], strategy: 'Recreate' },
    };
    const { text } = edit(TEXT, value);
    expect(parseDocument(text).toJS()).toEqual(value);
    expect(text).toContain('image: old:1 # the pin');
    expect(text).not.toContain('replicas');
  });

  it('takes quotes off where they would change the type', () => {
    expect(edit('a: "1" # one\n', { a: 1 }).text).toBe('a: 1 # one\n');
    expect(edit('a: 1\n', { a: '1' }).text).toBe('a: "1"\n');
    expect(edit('a: "x"\n', { a: 'y' }).text).toBe('a: "y"\n');
  });

  it('always ends at the value, from whatever was there (property)', () => {
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('a', 'true', '1', 'x: y', '#c', ''),
        fc.integer({ min: -9, max: 9 }),
        fc.boolean(),
        fc.constant(null),
        tie('list'),
        tie('map'),
      ),
      list: fc.oneof(
        fc.array(tie('json'), { maxLength: 4 }),
        fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c'), v: tie('json') }), { maxLength: 4 }),
      ),
      map: fc.dictionary(fc.constantFrom('a', 'b', 'name', 'spec', 'true'), tie('json'), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(json, json, (before, after) => {
        const document = parseDocument(JSON.stringify(before, null, 1));
        const same = JSON.stringify(before) === JSON.stringify(after);
        const changed = editDocument(document, after);
        expect(parseDocument(document.toString()).toJS()).toEqual(after);
        if (same) expect(changed).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
