// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { preflight, preflightSarif, RULES } from '#consumers';
import { isSarif, sarifFaults } from './sarif-schema.ts';

const KUSTOMIZATION = 'resources: [github.com/org/repo, https://example.com/a.yaml]\n';

describe('the SARIF of a preflight', () => {
  it('fits the schema of the standard, with each place, every rule, and what was not looked at', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'oakum-sarif-'));
    await writeFile(join(folder, 'kustomization.yaml'), KUSTOMIZATION);
    await writeFile(join(folder, 'a b#ä.yaml'), 'kind: HelmRelease\napiVersion: helm.toolkit.fluxcd.io/v2beta1\n');
    await writeFile(join(folder, 'c.yaml'), new Uint8Array([0xff]));
    const channel = { name: 'fips', crypto: 'fips140', git: false, gpg: false } as const;
    const sarif = preflightSarif(await preflight(folder, { channel, target: '2.9' }), '0.1.0');
    await rm(folder, { recursive: true });
    expect(sarifFaults(sarif)).toBe('');
    expect(sarif).toMatchObject({
      runs: [
        {
          tool: { driver: { rules: Object.keys(RULES).map((id) => ({ id })) } },
          invocations: [{ toolExecutionNotifications: [{ message: { text: expect.stringContaining('c.yaml') } }] }],
          results: [
            { ruleId: 'api-removed', level: 'error', locations: [at('a%20b%23%C3%A4.yaml', 2, 13)] },
            { ruleId: 'not-checked', level: 'warning', locations: [at('c.yaml', 1, 1)] },
            { ruleId: 'remote-base', level: 'error', locations: [at('kustomization.yaml', 1, 13)] },
            { ruleId: 'remote-file', level: 'note', locations: [at('kustomization.yaml', 1, 34)] },
          ],
        },
      ],
    });
    expect(isSarif({ ...(sarif as object), version: '2.0.0' })).toBe(false);
  });
});

function at(uri: string, startLine: number, startColumn: number): unknown {
  return { physicalLocation: { artifactLocation: { uri, uriBaseId: 'SRCROOT' }, region: { startLine, startColumn } } };
}
