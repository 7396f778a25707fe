// SPDX-License-Identifier: Apache-2.0

/** What a client of TLS says that it takes, in its order. */
export type TlsCapabilities = {
  readonly versions: readonly string[];
  readonly cipherSuites: readonly string[];
  readonly keyExchanges: readonly string[];
  readonly signatures: readonly string[];
  /** The same of the signatures of certificates; none where it says nothing else of them (RFC 8446 4.2.3). */
  readonly certificateSignatures: readonly string[];
};

/** The IANA registries' names (https://www.iana.org/assignments/tls-parameters) of what clients of today may say. */
const VERSIONS: Names = { 0x0301: 'TLS 1.0', 0x0302: 'TLS 1.1', 0x0303: 'TLS 1.2', 0x0304: 'TLS 1.3' };
const SUITES: Names = {
  0x000a: 'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
  0x002f: 'TLS_RSA_WITH_AES_128_CBC_SHA',
  0x0035: 'TLS_RSA_WITH_AES_256_CBC_SHA',
  0x003c: 'TLS_RSA_WITH_AES_128_CBC_SHA256',
  0x009c: 'TLS_RSA_WITH_AES_128_GCM_SHA256',
  0x009d: 'TLS_RSA_WITH_AES_256_GCM_SHA384',
  0x1301: 'TLS_AES_128_GCM_SHA256',
  0x1302: 'TLS_AES_256_GCM_SHA384',
  0x1303: 'TLS_CHACHA20_POLY1305_SHA256',
  0xc009: 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  0xc00a: 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
  0xc012: 'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA',
  0xc013: 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  0xc014: 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  0xc023: 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
  0xc027: 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256',
  0xc02b: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  0xc02c: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  0xc02f: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  0xc030: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  0xcca8: 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  0xcca9: 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
};
const GROUPS: Names = {
  23: 'P-256',
  24: 'P-384',
  25: 'P-521',
  29: 'X25519',
  30: 'X448',
  0x11eb: 'SecP256r1MLKEM768',
  0x11ec: 'X25519MLKEM768',
  0x11ed: 'SecP384r1MLKEM1024',
};
const SIGNATURES: Names = {
  0x0201: 'rsa_pkcs1_sha1',
  0x0203: 'ecdsa_sha1',
  0x0401: 'rsa_pkcs1_sha256',
  0x0403: 'ecdsa_secp256r1_sha256',
  0x0501: 'rsa_pkcs1_sha384',
  0x0503: 'ecdsa_secp384r1_sha384',
  0x0601: 'rsa_pkcs1_sha512',
  0x0603: 'ecdsa_secp521r1_sha512',
  0x0804: 'rsa_pss_rsae_sha256',
  0x0805: 'rsa_pss_rsae_sha384',
  0x0806: 'rsa_pss_rsae_sha512',
  0x0807: 'ed25519',
  0x0904: 'mldsa44',
  0x0905: 'mldsa65',
  0x0906: 'mldsa87',
};
const EXTENSIONS = {
  supportedGroups: 10,
  signatureAlgorithms: 13,
  supportedVersions: 43,
  signatureAlgorithmsCert: 50,
} as const;
/** Of a record, of the handshake message in it, and of version and random value before the session. */
const RECORD_HEAD = 5;
const MESSAGE_HEAD = 4;
const BEFORE_SESSION = 2 + 32;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;

type Names = Readonly<Record<number, string>>;

/**
 * Takes what a client sends first; gives what its ClientHello says (RFC 8446 4.1.2), undefined while there is more to come. Throws
 * RangeError for what is no ClientHello.
 */
export function readClientHello(bytes: Buffer): TlsCapabilities | undefined {
  if (bytes.length < RECORD_HEAD) return undefined;
  if (bytes[0] !== HANDSHAKE) throw new RangeError('no TLS handshake');
  const record = bytes.subarray(RECORD_HEAD, RECORD_HEAD + bytes.readUInt16BE(3));
  if (record.length < bytes.readUInt16BE(3)) return undefined;
  if (record[0] !== CLIENT_HELLO) throw new RangeError('no ClientHello');
  const [, afterSession] = vector(record, MESSAGE_HEAD + BEFORE_SESSION, 1);
  const [suites, afterSuites] = vector(record, afterSession, 2);
  const [, afterCompression] = vector(record, afterSuites, 1);
  const extensions = readExtensions(vector(record, afterCompression, 2)[0]);
  const listOf = (id: number, lengthBytes: 1 | 2) => {
    const found = extensions.get(id);
    return found === undefined ? [] : codes(vector(found, 0, lengthBytes)[0]);
  };
  return {
    versions: named(listOf(EXTENSIONS.supportedVersions, 1), VERSIONS),
    cipherSuites: named(codes(suites), SUITES),
    keyExchanges: named(listOf(EXTENSIONS.supportedGroups, 2), GROUPS),
    signatures: named(listOf(EXTENSIONS.signatureAlgorithms, 2), SIGNATURES),
    certificateSignatures: named(listOf(EXTENSIONS.signatureAlgorithmsCert, 2), SIGNATURES),
  };
}

function readExtensions(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const id = bytes.readUInt16BE(at);
    const [content, next] = vector(bytes, at + 2, 2);
    found.set(id, content);
    at = next;
  }
  return found;
}

/** Gives the content of a vector after its length, and where it ends (RFC 8446 3.4). */
function vector(bytes: Buffer, at: number, lengthBytes: 1 | 2): readonly [Buffer, number] {
  const start = at + lengthBytes;
  const end = start + bytes.readUIntBE(at, lengthBytes);
  if (end > bytes.length) throw new RangeError('a vector is longer than what holds it');
  return [bytes.subarray(start, end), end];
}

function codes(bytes: Buffer): readonly number[] {
  return Array.from({ length: Math.floor(bytes.length / 2) }, (_, index) => bytes.readUInt16BE(2 * index));
}

function named(values: readonly number[], names: Names): readonly string[] {
  return values.map((value) => names[value] ?? `0x${value.toString(16).padStart(4, '0')}`);
}
