// SPDX-License-Identifier: Apache-2.0
import { createHash, type KeyObject } from 'node:crypto';
import type { Json } from '#formats';
import { type CertificateAuthority, startCertificateAuthority } from './certificate-authority.ts';
import { startTokenIssuer, type TokenClaims, type TokenIssuer } from './oidc.ts';
import { startTimestampAuthority, type TimestampAuthority } from './timestamp-authority.ts';
import { startTransparencyLog, type TransparencyLog } from './transparency-log.ts';

/** All that keyless signing needs, on this machine alone. */
export interface SigningService {
  readonly issuer: TokenIssuer;
  readonly authority: CertificateAuthority;
  readonly log: TransparencyLog;
  readonly timestamps: TimestampAuthority;
  /** The TrustedRoot of all of them, as `--trusted-root` takes it. */
  readonly trustedRoot: Json;
  stop(): Promise<void>;
}

/** Starts issuer, certificate authority, log and timestamp authority, all with the clock `now` (milliseconds). */
export async function startSigningService(
  options: { readonly now?: () => number; readonly claims?: TokenClaims; readonly unlogged?: boolean } = {},
): Promise<SigningService> {
  const issuer = await startTokenIssuer(options);
  const authority = await startCertificateAuthority({ ...options, issuers: [issuer] });
  const log = await startTransparencyLog(options);
  const timestamps = await startTimestampAuthority(options);
  return {
    issuer,
    authority,
    log,
    timestamps,
    trustedRoot: toTrustedRoot({ authorities: [authority], logs: [log], timestamps: [timestamps] }),
    stop: async () => {
      await Promise.all([issuer, authority, log, timestamps].map((one) => one.stop()));
    },
  };
}

/** Gives the TrustedRoot JSON (protobuf-specs' sigstore_trustroot.proto, v0.1) that trusts these from `since` on. */
export function toTrustedRoot(
  trusted: {
    readonly authorities?: readonly CertificateAuthority[];
    readonly logs?: readonly TransparencyLog[];
    readonly timestamps?: readonly TimestampAuthority[];
  },
  since = '2020-01-01T00:00:00Z',
): Json {
  const { authorities = [], logs = [], timestamps = [] } = trusted;
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: logs.map((log) => toLog(log.url, log.key, since)),
    certificateAuthorities: authorities.map((one) => toAuthority(one.url, one.chain, since)),
    ctlogs: authorities.map((one) => toLog(`${one.url}/ctlog`, one.logKey, since)),
    timestampAuthorities: timestamps.map((one) => toAuthority(`${one.url}/api/v1/timestamp`, one.chain, since)),
  };
}

function toLog(baseUrl: string, key: KeyObject, start: string): Json {
  const bytes = key.export({ type: 'spki', format: 'der' });
  return {
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: bytes.toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor: { start } },
    logId: { keyId: createHash('sha256').update(bytes).digest('base64') },
  };
}

function toAuthority(uri: string, chain: readonly Buffer[], start: string): Json {
  return {
    subject: { organization: 'Oakum test', commonName: 'test' },
    uri,
    certChain: { certificates: chain.map((one) => ({ rawBytes: one.toString('base64') })) },
    validFor: { start },
  };
}
