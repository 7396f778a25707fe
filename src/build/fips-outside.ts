// SPDX-License-Identifier: Apache-2.0

/** Cryptography that is linked in and lies outside the validated module. */
export type OutsideCryptography = {
  /** The Go package. */
  readonly package: string;
  /** What it does, in a few words. */
  readonly what: string;
  /** The packages of the program that import it, sorted; empty where the import graph does not tell. */
  readonly importedBy: readonly string[];
};

/** Packages that do cryptography of their own, by the beginning of their path; the longest that fits says what. */
const KNOWN: Readonly<Record<string, string>> = {
  'crypto/des': 'DES, Triple-DES',
  'crypto/dsa': 'DSA',
  'crypto/md5': 'MD5',
  'crypto/rc4': 'RC4',
  'crypto/sha1': 'SHA-1',
  'crypto/elliptic': 'elliptic curves by the older interface',
  'filippo.io/age': 'age: X25519, ChaCha20-Poly1305, scrypt',
  'filippo.io/edwards25519': 'Edwards25519 arithmetic',
  'github.com/ProtonMail/go-crypto': 'OpenPGP',
  'github.com/cloudflare/circl': 'elliptic curves of Cloudflare CIRCL',
  'github.com/go-jose/go-jose': 'JOSE (calls the standard library)',
  'github.com/minio/sha256-simd': 'SHA-256 in assembly',
  'github.com/zeebo/blake3': 'BLAKE3',
  'golang.org/x/crypto/argon2': 'Argon2',
  'golang.org/x/crypto/bcrypt': 'bcrypt',
  'golang.org/x/crypto/blake2b': 'BLAKE2b',
  'golang.org/x/crypto/blake2s': 'BLAKE2s',
  'golang.org/x/crypto/blowfish': 'Blowfish',
  'golang.org/x/crypto/cast5': 'CAST5',
  'golang.org/x/crypto/chacha20': 'ChaCha20',
  'golang.org/x/crypto/chacha20poly1305': 'ChaCha20-Poly1305',
  'golang.org/x/crypto/curve25519': 'X25519',
  'golang.org/x/crypto/internal/poly1305': 'Poly1305',
  'golang.org/x/crypto/md4': 'MD4',
  'golang.org/x/crypto/nacl': 'NaCl: X25519, Salsa20, Poly1305',
  'golang.org/x/crypto/openpgp': 'OpenPGP',
  'golang.org/x/crypto/pkcs12': 'PKCS #12 with RC2',
  'golang.org/x/crypto/ripemd160': 'RIPEMD-160',
  'golang.org/x/crypto/salsa20': 'Salsa20',
  'golang.org/x/crypto/scrypt': 'scrypt',
  'golang.org/x/crypto/tea': 'TEA',
  'golang.org/x/crypto/twofish': 'Twofish',
  'golang.org/x/crypto/xtea': 'XTEA',
  'vendor/golang.org/x/crypto/chacha20': 'ChaCha20',
  'vendor/golang.org/x/crypto/chacha20poly1305': 'ChaCha20-Poly1305',
  'vendor/golang.org/x/crypto/internal/poly1305': 'Poly1305',
};

/**
 * Takes the packages linked into a program, and what each package imports as far as known; gives the cryptography among them that the
 * FIPS module does not do. That code is linked in is not a fault: TLS and SSH refuse what FIPS mode does not approve.
 */
export function findOutsideCryptography(
  packages: readonly string[],
  imports: ReadonlyMap<string, readonly string[]>,
): readonly OutsideCryptography[] {
  const linked = new Set(packages);
  return packages.flatMap((path) => {
    const what = describe(path);
    if (what === undefined) return [];
    const importedBy = [...imports].flatMap(([by, paths]) => (linked.has(by) && paths.includes(path) ? [by] : []));
    return [{ package: path, what, importedBy: importedBy.sort() }];
  });
}

function describe(path: string): string | undefined {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const prefix = path.slice(0, end);
    if (Object.hasOwn(KNOWN, prefix)) return KNOWN[prefix];
  }
  return undefined;
}
