// SPDX-License-Identifier: Apache-2.0
import { digestOf } from '#core';
import type { Analysis } from '../types.ts';

/** Stands for a tool's output. */
export const EVIDENCE = Buffer.from('{}');

const LIB = { module: 'example.com/lib', version: 'v1.2.0' };

/** An analysis with an advisory of each kind. */
export const ANALYSIS: Analysis = {
  version: 1,
  build: digestOf('build'),
  tool: { name: 'govulncheck', version: 'v1.9.0', digest: digestOf('tool') },
  database: '2026-08-21T20:38:00Z',
  goVersion: 'go1.27.3',
  at: '2026-08-22T00:00:00.000Z',
  isolation: 'bubblewrap',
  milliseconds: 1,
  evidence: digestOf(EVIDENCE),
  advisories: {
    'GO-2026-0001': digestOf('one'),
    'GO-2026-0002': digestOf('two'),
    'GO-2026-0003': digestOf('three'),
    'GO-2026-0004': digestOf('four'),
  },
  modules: ['example.com/app@', 'example.com/lib@v1.2.0', 'stdlib@v1.27.3'],
  reached: [
    {
      id: 'GO-2026-0001',
      ...LIB,
      reach: 'called',
      path: [
        { module: 'example.com/app', package: 'example.com/app', function: 'main', file: 'main.go', line: 5 },
        { ...LIB, package: 'example.com/lib/deep', function: 'Run', file: 'deep/run.go', line: 3 },
      ],
    },
    { id: 'GO-2026-0002', ...LIB, reach: 'imported' },
    { id: 'GO-2026-0003', ...LIB, reach: 'required' },
    { id: 'GO-2026-0004', module: 'stdlib', version: 'v1.27.3', reach: 'imported' },
  ],
};
