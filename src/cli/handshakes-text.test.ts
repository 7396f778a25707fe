// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import type { HandshakesRecord } from '#factory';
import { formatHandshakes } from './handshakes-text.ts';

type Result = HandshakesRecord['handshakes'][number];

const result = (name: string, expected: Result['expected'], seen: Result['seen'], detail = 'x'): Result => ({
  protocol: 'TLS',
  aspect: 'key exchange',
  name,
  expected,
  seen,
  detail,
});

function record(
  channel: string,
  handshakes: readonly Result[],
  more: Partial<HandshakesRecord> = {},
): HandshakesRecord {
  return {
    verdict: handshakes.some(({ expected, seen }) => expected !== seen) ? 'failed' : 'passed',
    channel,
    revision: '2.9.2-r0',
    platform: 'linux/amd64',
    crypto: channel === 'fips' ? 'fips140' : 'none',
    component: 'source-controller',
    made: '2026-11-24T23:00:00Z',
    digest: digestOf('attestation'),
    versions: { 'source-controller': 'v1.9.3@sha256:aa' },
    steps: [],
    handshakes,
    says: { tls: undefined, ssh: undefined },
    logs: {},
    ...more,
  };
}

describe('handshakes as text', () => {
  it('are a table with a column for each channel', () => {
    const text = formatHandshakes([
      record('distroless', [result('P-256', 'accepted', 'accepted'), result('X25519', 'accepted', 'accepted')]),
      record('fips', [result('P-256', 'accepted', 'accepted'), result('X25519', 'refused', 'refused')]),
    ]);
    expect(text).toContain('distroless (none)  fips (fips140)');
    expect(text).toMatch(/^TLS {2}key exchange {2}X25519 +accepted +refused$/m);
    expect(text).toContain('fips: passed, 2 of 2 as they should be (source-controller v1.9.3@sha256:aa)');
    expect(text).not.toContain('!');
  });

  it('mark what is not as it must be, and say why', () => {
    const text = formatHandshakes([record('fips', [result('X25519', 'refused', 'accepted', 'TLSv1.3 X')])]);
    expect(text).toMatch(/^TLS .* X25519 +accepted \(!\)$/m);
    expect(text).toContain('fips: failed, 0 of 1');
    expect(text).toContain('  ! TLS key exchange X25519: must be refused, is accepted: TLSv1.3 X');
  });

  it('tell why there are none', () => {
    const steps = [
      { name: 'all become ready', verdict: 'failed', milliseconds: 1, detail: 'it ended\nat once' },
    ] as const;
    expect(formatHandshakes([record('fips', [], { steps, verdict: 'failed' })])).toBe(
      'fips: failed, 0 of 0 as they should be (source-controller v1.9.3@sha256:aa)\n  ! all become ready: it ended\n    at once\n',
    );
  });
});
