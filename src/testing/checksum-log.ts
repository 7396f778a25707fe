// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, sign } from 'node:crypto';
import { HASH_SIZE, nodeHash, noteKeyOf, recordHash, treeRoot } from '#formats';

/** A small checksum database in memory, with a key of its own, that can be made to misbehave. */
export interface ChecksumLog {
  /** `name+hash+key`, as GOSUMDB takes it. */
  readonly key: string;
  readonly name: string;
  readonly size: () => number;
  /** Appends a record; gives its id. */
  add(record: string): number;
  /** Rewrites history: replaces a record that has been signed already. */
  replace(id: number, record: string): void;
  /** Forgets all records from `size` on. */
  rollBack(size: number): void;
  /** Signs with a key that is not the database's from now on (`stranger`), or properly again (`own`). */
  signAs(signer: 'own' | 'stranger'): void;
  /** Gives the signed head of the first `size` records (all by default). */
  head(size?: number): string;
  /** Answers a path below the database: `supported`, `latest`, `lookup/...`, `tile/...`; undefined is a 404. */
  answer(path: string): Buffer | undefined;
  /** How many records lookups say the tree has; they show an old head, as a cached answer does. */
  answerWithHeadOf(size: number | undefined): void;
}

/** Makes an empty log. */
export function createChecksumLog(name = 'sums.test'): ChecksumLog {
  const records: string[] = [];
  const own = generateKeyPairSync('ed25519');
  const stranger = generateKeyPairSync('ed25519');
  const raw = own.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const key = noteKeyOf(name, Buffer.concat([Buffer.of(1), raw]).toString('base64'));
  if (key === undefined) throw new Error('no key');
  let signer = own;
  let lookupSize: number | undefined;

  const hashAt = ({ level, index }: { level: number; index: number }): Buffer =>
    level === 0
      ? recordHash(records[index] ?? '')
      : nodeHash(hashAt({ level: level - 1, index: index * 2 }), hashAt({ level: level - 1, index: index * 2 + 1 }));

  function head(size = records.length): string {
    const text = `go.sum database tree\n${size}\n${treeRoot(size, hashAt).toString('base64')}\n`;
    const signature = sign(null, Buffer.from(text), signer.privateKey);
    const line = Buffer.concat([Buffer.from(key?.hash ?? '', 'hex'), signature]).toString('base64');
    return `${text}\n\u2014 ${name} ${line}\n`;
  }

  function tile(path: string): Buffer | undefined {
    const [, level = '', index = '', width = '256'] =
      /^tile\/8\/(\d+)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path) ?? [];
    const first = Number(index.replace(/[x/]/g, '')) * 256;
    const available = Math.floor(records.length / 256 ** Number(level)) - first;
    if (level === '' || Number(width) > available) return undefined;
    const row = Array.from({ length: Number(width) }, (_, at) =>
      hashAt({ level: Number(level) * 8, index: first + at }),
    );
    return Buffer.concat(row, Number(width) * HASH_SIZE);
  }

  function lookup(name: string): Buffer | undefined {
    const id = records.findIndex((record) => record.split('\n').some((line) => line.startsWith(`${name} `)));
    if (id < 0) return undefined;
    return Buffer.from(`${id}\n${records[id] ?? ''}\n${head(lookupSize)}`);
  }

  return {
    name,
    key: `${name}+${key.hash}+${key.encoded}`,
    size: () => records.length,
    add: (record) => records.push(record) - 1,
    replace: (id, record) => void (records[id] = record),
    rollBack: (size) => void records.splice(size),
    signAs: (who) => void (signer = who === 'own' ? own : stranger),
    answerWithHeadOf: (size) => void (lookupSize = size),
    head,
    answer(path) {
      if (path === 'supported') return Buffer.alloc(0);
      if (path === 'latest') return Buffer.from(head());
      if (path.startsWith('tile/')) return tile(path);
      const wanted = path.replace(/^lookup\//, '').replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
      return lookup(wanted.replace('@', ' '));
    },
  };
}
