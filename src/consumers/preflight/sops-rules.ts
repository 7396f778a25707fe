// SPDX-License-Identifier: Apache-2.0
import { itemsOf, offsetOf, textOf, valueOf, valuesAt, type View } from './documents.ts';
import type { Scope } from './scope.ts';
import { numberOf, thresholdOf } from './sops.ts';

/** Keys of a rule, as `creationRule` of SOPS (config/config.go) names them: texts or lists of texts. */
const RULE_KEYS = ['age', 'kms', 'gcp_kms', 'hckms', 'azure_keyvault', 'hc_vault_transit_uri'];
const GROUP_KEYS = ['age', 'kms', 'gcp_kms', 'hckms', 'azure_keyvault', 'hc_vault'];

interface RuleGroup {
  readonly openpgp: unknown;
  readonly others: readonly string[];
}

/** Reports rules of a `.sops.yaml` that encrypt for OpenPGP keys. */
export function checkSopsRules(view: View, scope: Scope): void {
  if (scope.channel.gpg) return;
  const rules = [
    ...valuesAt(view, view.root, ['creation_rules', '*']),
    ...valuesAt(view, view.root, ['destination_rules', '*', 'recreation_rule']),
  ];
  for (const rule of rules) checkRule(view, scope, rule);
}

function checkRule(view: View, { channel, report }: Scope, rule: unknown): void {
  const listed = itemsOf(view, valueOf(view, rule, 'key_groups')).map((group) => readGroup(view, group, GROUP_KEYS));
  const groups = listed.length > 0 ? listed : [readGroup(view, rule, RULE_KEYS)];
  const found = groups.find(({ openpgp }) => openpgp !== undefined)?.openpgp;
  if (found === undefined) return;
  const threshold = thresholdOf(numberOf(valueOf(view, rule, 'shamir_threshold')), groups);
  const open = groups.filter(({ others }) => others.length > 0).length;
  const path = textOf(valueOf(view, rule, 'path_regex'));
  const what = path === undefined ? 'this rule' : `the rule for ${path}`;
  report({
    rule: 'sops-rule-openpgp',
    level: open < threshold ? 'warning' : 'note',
    at: offsetOf(view, found),
    message:
      open < threshold
        ? `${what} makes files that channel ${channel.name} can't decrypt without gpg`
        : `${what} encrypts for an OpenPGP key beside ${[...new Set(groups.flatMap(({ others }) => others))].join(', ')}`,
    fix: 'Name an age recipient or a KMS key in place of the pgp key, then run `sops updatekeys` on the files of the rule.',
  });
}

/** `merge` may hold groups that merge others; an anchor may hold itself. */
const DEEPEST_MERGE = 3;

function readGroup(view: View, node: unknown, keys: readonly string[], depth = 0): RuleGroup {
  const inner = depth < DEEPEST_MERGE ? itemsOf(view, valueOf(view, node, 'merge')).slice(0, 20) : [];
  const merged = inner.map((group) => readGroup(view, group, keys, depth + 1));
  const has = (key: string) => isThere(view, valueOf(view, node, key));
  return {
    openpgp: has('pgp') ? valueOf(view, node, 'pgp') : merged.find(({ openpgp }) => openpgp !== undefined)?.openpgp,
    others: [...keys.filter(has), ...merged.flatMap(({ others }) => others)],
  };
}

function isThere(view: View, node: unknown): boolean {
  const text = textOf(node);
  return text === undefined ? itemsOf(view, node).length > 0 : text.trim() !== '';
}
