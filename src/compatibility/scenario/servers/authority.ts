// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '#core';
import { createAuthority, type KeyPair } from '../../certificates.ts';

/** What the scenario's HTTPS servers show, and what the controllers are told to trust for it; all PEM. */
export interface ServerIdentity extends KeyPair {
  /** The certificate authority that issued it: in no trust store, so a controller that ignores `certSecretRef` fails. */
  readonly authority: string;
}

/** Makes a certificate authority and a certificate for 127.0.0.1. */
export function createServerIdentity(clock: Clock): ServerIdentity {
  const authority = createAuthority('Oakum scenario', clock);
  const server = { kind: 'server', name: 'scenario server', names: ['localhost'], addresses: ['127.0.0.1'] } as const;
  return { ...authority.issue(server), authority: authority.certificate };
}
