// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '#kubernetes';
import { describeUnclear, readAnswer } from './result.ts';

function source(status: 'True' | 'False' | 'Unknown', message: string, generation = 1): KubernetesObject {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'HelmRepository',
    metadata: { name: 'one', generation: 1 },
    status: { observedGeneration: generation, conditions: [{ type: 'Ready', status, reason: 'Failed', message }] },
  };
}

const TLS = { protocol: 'TLS' } as const;
const SSH = { protocol: 'SSH' } as const;
const COMPLETED = { completed: ['TLSv1.3 TLS_AES_128_GCM_SHA256'], broken: [] };
const BROKEN = { completed: [], broken: ['ERR_SSL_NO_SHARED_CIPHER'] };
const REFUSED = 'failed to fetch: Get "https://127.0.0.1:1/index.yaml": remote error: tls: handshake failure';

describe('an answer', () => {
  it('is acceptance where the handshake was completed and the source is ready', () => {
    expect(readAnswer(TLS, COMPLETED, source('True', 'stored'))).toEqual({
      seen: 'accepted',
      detail: 'TLSv1.3 TLS_AES_128_GCM_SHA256',
    });
  });

  it.each([
    ['the source is not ready yet', COMPLETED, source('Unknown', 'building')],
    ['ready is what was before', COMPLETED, source('True', 'stored', 0)],
    ['there is no source', COMPLETED, undefined],
    ['no handshake was seen', { completed: [], broken: [] }, source('True', 'stored')],
  ])('is none where %s', (_, sight, object) => {
    expect(readAnswer(TLS, sight, object)).toBeUndefined();
  });

  it('needs no ready source where there is nothing to fetch', () => {
    expect(readAnswer(TLS, COMPLETED, source('False', '404'), true)?.seen).toBe('accepted');
  });

  it.each([
    [TLS, REFUSED, 'remote error: tls: handshake failure'],
    [
      TLS,
      'Get "x": tls: failed to verify certificate: tls: no FIPS compatible certificate chains found',
      'tls: failed',
    ],
    [
      TLS,
      'tls: failed to verify certificate: x509: certificate signed by unknown authority (possibly because of "x509: cannot verify signature: insecure algorithm ECDSA-SHA1" while trying to verify candidate authority certificate "A")',
      'tls: failed',
    ],
    [SSH, 'unable to clone: ssh: handshake failed: ssh: no common algorithm for key exchange', 'ssh: handshake failed'],
  ])('of %o is refusal where controller and server say so: %s', (offer, message, said) => {
    const answer = readAnswer(offer, BROKEN, source('False', message));
    expect(answer?.seen).toBe('refused');
    expect(answer?.detail.startsWith(said)).toBe(true);
    expect(answer?.detail).toContain('server: ERR_SSL_NO_SHARED_CIPHER');
  });

  it.each([
    [
      'nobody known issued the certificate',
      TLS,
      BROKEN,
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ],
    ['the certificate is for another name', TLS, BROKEN, 'x509: certificate is valid for 127.0.0.2, not 127.0.0.1'],
    ['the certificate is too old', TLS, BROKEN, 'x509: certificate has expired or is not yet valid'],
    ['the login failed', SSH, BROKEN, 'ssh: handshake failed: ssh: unable to authenticate, attempted methods [none]'],
    ['the host is another', SSH, BROKEN, 'ssh: handshake failed: knownhosts: key mismatch'],
    ['nothing could be reached', TLS, BROKEN, 'dial tcp 127.0.0.1:1: connect: connection refused'],
    ['the server saw nothing', TLS, { completed: [], broken: [] }, REFUSED],
    ['a handshake was completed before', TLS, { ...COMPLETED, broken: ['x'] }, REFUSED],
  ] as const)('is no refusal where %s', (_, offer, { completed, broken }, message) => {
    const sight = { completed: [...completed], broken: [...broken] };
    expect(readAnswer(offer, sight, source('False', message))).toBeUndefined();
  });

  it('that could not be read is told of by both sides', () => {
    expect(describeUnclear(BROKEN, source('False', 'dial tcp'))).toBe(
      'Failed: dial tcp; the server completed no handshake; the server broke one off: ERR_SSL_NO_SHARED_CIPHER',
    );
    expect(describeUnclear(COMPLETED, undefined)).toContain(
      'the controller says nothing; the server completed TLSv1.3',
    );
  });
});
