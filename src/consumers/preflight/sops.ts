// SPDX-License-Identifier: Apache-2.0
import { itemsOf, offsetOf, textAt, valueOf, type View } from './documents.ts';
import type { Scope } from './scope.ts';

/** Kinds of master keys, as SOPS names them in a file. */
const KEY_TYPES = ['age', 'pgp', 'kms', 'gcp_kms', 'azure_kv', 'hc_vault', 'hckms'] as const;
type KeyType = (typeof KEY_TYPES)[number];

/** The keys of one group by type, with where the first of each stands. */
type KeyGroup = ReadonlyMap<KeyType, number>;

/** What a SOPS file says of itself. */
interface SopsMetadata {
  readonly groups: readonly KeyGroup[];
  /** How many groups must be opened. */
  readonly threshold: number;
}

/** Says whether a text may be encrypted by SOPS: every format has the word and an encrypted checksum. */
export function maySops(text: string): boolean {
  return text.includes('sops') && text.includes('ENC[');
}

/** Says whether a document is encrypted by SOPS, and whether its checksum covers what is not encrypted too. */
export function sopsSeal(view: View): 'none' | 'all' | 'encrypted only' {
  const sops = valueOf(view, view.root, 'sops');
  if (textAt(view, sops, 'mac') === undefined) return 'none';
  const only = valueOf(view, sops, 'mac_only_encrypted') as { readonly value?: unknown } | undefined;
  return only?.value === true || only?.value === 'true' ? 'encrypted only' : 'all';
}

/** Reports the keys of a SOPS file in YAML or JSON; binary files are JSON too. */
export function checkSopsDocument(view: View, scope: Scope): void {
  if (sopsSeal(view) === 'none') return;
  const sops = valueOf(view, view.root, 'sops');
  const listed = itemsOf(view, valueOf(view, sops, 'key_groups')).map((group) => readGroup(view, group));
  const groups = listed.length > 0 ? listed : [readGroup(view, sops)];
  reportSops({ groups, threshold: thresholdOf(numberOf(valueOf(view, sops, 'shamir_threshold')), groups) }, scope);
}

function readGroup(view: View, node: unknown): KeyGroup {
  return new Map(
    KEY_TYPES.flatMap((type) => {
      const [first] = itemsOf(view, valueOf(view, node, type));
      return first === undefined ? [] : [[type, offsetOf(view, first)] as const];
    }),
  );
}

/** Gives the number of a scalar; 0 where there is none. */
export function numberOf(node: unknown): number {
  return Number((node as { readonly value?: unknown } | undefined)?.value ?? 0);
}

/** Gives how many groups must be opened: without a threshold SOPS splits the key so that all are needed (`GenerateDataKeyWithKeyServices`). */
export function thresholdOf(told: number, groups: readonly unknown[]): number {
  return groups.length < 2 ? 1 : told > 0 ? told : groups.length;
}

const FLAT_KEY = new RegExp(
  `^(?:sops_)?(?:key_groups__list_(\\d+)__map_)?(${KEY_TYPES.join('|')})__list_\\d+__map_(?:fp|recipient|arn|resource_id|vault_url|vault_address|key_id|enc)\\s*=`,
);

/** Reports the keys of a SOPS file in dotenv or INI, where the metadata is flattened into one line each (SOPS, stores/flatten.go). */
export function checkSopsLines(scope: Scope): void {
  const { text } = scope.file;
  const isDotenv = /^sops_mac\s*=\s*ENC\[/m.test(text);
  const section = isDotenv ? 0 : text.search(/^\[sops\]\s*$/m);
  if (section < 0) return;
  const groups = new Map<number, Map<KeyType, number>>();
  let threshold = 0;
  let at = section;
  for (const line of text.slice(section).split('\n')) {
    const [, group = '0', type] = FLAT_KEY.exec(line) ?? [];
    if (type !== undefined && (!isDotenv || line.startsWith('sops_'))) {
      const keys = groups.get(Number(group)) ?? new Map<KeyType, number>();
      groups.set(Number(group), keys.set(type as KeyType, keys.get(type as KeyType) ?? at));
    }
    threshold = Number(/^(?:sops_)?shamir_threshold\s*=\s*(\d+)/.exec(line)?.[1] ?? threshold);
    at += line.length + 1;
  }
  const listed = [...groups.values()];
  if (listed.length > 0) reportSops({ groups: listed, threshold: thresholdOf(threshold, listed) }, scope);
}

function reportSops(metadata: SopsMetadata, { channel, report }: Scope): void {
  const { groups } = metadata;
  const pgp = firstOf(groups, 'pgp');
  if (pgp !== undefined && !channel.gpg) {
    report({ rule: 'sops-openpgp', at: pgp, ...judgeOpenpgp(metadata, channel.name) });
  }
  const age = firstOf(groups, 'age');
  if (age !== undefined && channel.crypto !== 'none') {
    report({
      rule: 'sops-age',
      level: 'note',
      at: age,
      message: 'age decrypts this file, which is no approved algorithm',
      fix: 'Where approved cryptography is a must for secrets, encrypt with AWS KMS, Azure Key Vault, Google Cloud KMS or Vault instead.',
    });
  }
}

function firstOf(groups: readonly KeyGroup[], type: KeyType): number | undefined {
  return groups.map((group) => group.get(type)).find((at) => at !== undefined);
}

const ADD_KEY =
  'Add an age recipient or a KMS key to .sops.yaml, run `sops updatekeys FILE` where the OpenPGP key is, and take the pgp key out.';

function judgeOpenpgp({ groups, threshold }: SopsMetadata, channel: string) {
  const open = groups.filter((group) => [...group.keys()].some((type) => type !== 'pgp'));
  const others = [...new Set(open.flatMap((group) => [...group.keys()]).filter((type) => type !== 'pgp'))].join(', ');
  if (groups.length === 1 && open.length === 0)
    return {
      level: 'error' as const,
      message: `only OpenPGP keys decrypt this file, and channel ${channel} has no gpg`,
      fix: ADD_KEY,
    };
  if (open.length < threshold)
    return {
      level: 'error' as const,
      message: `${threshold} of ${groups.length} key groups must be opened, and only ${open.length} can be without OpenPGP`,
      fix: `${ADD_KEY} Each of ${threshold} groups needs one.`,
    };
  return {
    level: 'note' as const,
    message: `an OpenPGP key is listed, but ${others} decrypts this file without it`,
    fix: `See that the controller has the ${others} key; then take the pgp key out.`,
  };
}
