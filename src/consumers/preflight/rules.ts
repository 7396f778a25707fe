// SPDX-License-Identifier: Apache-2.0
import { markdownTable } from '#formats';
import type { Level } from './types.ts';

/** What a rule is about; docs/preflight.md is made from it. */
export interface Rule {
  /** The levels a finding of this rule may have, the most serious first. */
  readonly levels: readonly Level[];
  /** Where the rule holds. */
  readonly holds: 'without git' | 'without gpg' | 'fips140' | 'fips140, boring' | 'always';
  readonly title: string;
  readonly why: string;
}

/** Every rule by its id. What they say was read from, and tried with, the sources of Flux 2.9.2. */
export const RULES = {
  'remote-base': {
    levels: ['error', 'warning'],
    holds: 'without git',
    title: 'A kustomization takes something from a Git repository',
    why: 'kustomize starts the program git for it, which the image has not, and `--no-remote-bases` refuses what git fetched. An https URL is asked for by HTTP first; where that gives no manifest, git is next.',
  },
  'remote-file': {
    levels: ['note'],
    holds: 'without git',
    title: 'A kustomization takes a file by HTTP',
    why: 'kustomize fetches it itself, without git, and `--no-remote-bases` does not stop it. It is fetched anew at each reconciliation, and nothing proves what comes.',
  },
  'kustomize-helm': {
    levels: ['warning'],
    holds: 'always',
    title: 'A kustomization inflates a Helm chart',
    why: 'kustomize-controller builds with plugins off, so helmCharts fail with "must specify --enable-helm" in every channel.',
  },
  'sops-openpgp': {
    levels: ['error', 'note'],
    holds: 'without gpg',
    title: 'A SOPS file is encrypted for an OpenPGP key',
    why: 'kustomize-controller starts the program gpg to decrypt with such a key, and the image has none. Within a key group any other key will do, age being tried first; of several groups as many must be opened as the Shamir threshold says.',
  },
  'sops-rule-openpgp': {
    levels: ['warning', 'note'],
    holds: 'without gpg',
    title: 'A rule of .sops.yaml encrypts for OpenPGP keys',
    why: 'What is encrypted by the rule can be decrypted in the cluster only as far as other keys allow.',
  },
  'sops-age': {
    levels: ['note'],
    holds: 'fips140, boring',
    title: 'A SOPS file is encrypted for an age key',
    why: 'It works: age is compiled in. But X25519 and ChaCha20-Poly1305 are no approved algorithms and run outside the validated module.',
  },
  'decryption-openpgp-key': {
    levels: ['error', 'warning'],
    holds: 'without gpg',
    title: 'A secret for decryption holds an OpenPGP key',
    why: 'kustomize-controller imports every *.asc of the secret with gpg before it decrypts anything, and fails where that can not be started: nothing is decrypted, not even with other keys of the secret.',
  },
  'ssh-host-key': {
    levels: ['error', 'warning', 'note'],
    holds: 'fips140',
    title: 'known_hosts has keys that FIPS mode refuses or does not approve',
    why: 'ssh-dss is refused. A key of type ssh-rsa is used with SHA-2 signatures if it is the only type in the known_hosts of the secret; beside other types source-controller offers ssh-rsa with SHA-1 alone, in an order that changes, and FIPS mode refuses it when the server takes it up. RSA keys below 2048 bits work but are not approved.',
  },
  'ssh-private-key': {
    levels: ['error', 'warning'],
    holds: 'fips140',
    title: 'An SSH identity is a key that FIPS mode refuses or does not approve',
    why: 'DSA signs with SHA-1, which FIPS mode refuses. RSA keys below 2048 bits work but are not approved.',
  },
  'ssh-algorithms': {
    levels: ['error', 'warning'],
    holds: 'fips140',
    title: 'A flag asks for SSH algorithms that FIPS mode refuses',
    why: 'Key exchanges that FIPS mode has not are left out silently, so that the others must do; host key algorithms are offered all the same, and the connection breaks when the server takes up a refused one.',
  },
  'git-verify-openpgp': {
    levels: ['note'],
    holds: 'fips140, boring',
    title: 'Signatures of Git commits are verified by OpenPGP',
    why: 'It works, without gpg, but OpenPGP is checked by code outside the validated module.',
  },
  'commit-signing-openpgp': {
    levels: ['note'],
    holds: 'fips140, boring',
    title: 'Commits are signed by OpenPGP',
    why: 'It works, without gpg, but OpenPGP signs by code outside the validated module.',
  },
  'api-removed': {
    levels: ['error'],
    holds: 'always',
    title: 'An object has an API version that the target line does not serve',
    why: 'The API server refuses it once the line is installed.',
  },
  'api-deprecated': {
    levels: ['warning'],
    holds: 'always',
    title: 'An object has an API version that is deprecated in the target line',
    why: 'It works, and a coming line will refuse it.',
  },
  'template-field-removed': {
    levels: ['error'],
    holds: 'always',
    title: 'A message template of an ImageUpdateAutomation uses a removed field',
    why: 'image-automation-controller of Flux 2.9 fails on .Updated and .Changed.ImageResult.',
  },
  'not-checked': {
    levels: ['warning'],
    holds: 'always',
    title: 'A file could not be read as what it should be',
    why: 'What can not be read can not be judged; kustomize may refuse it likewise.',
  },
} as const satisfies Record<string, Rule>;

/** The id of a rule. */
export type RuleId = keyof typeof RULES;

/** Gives the rules as a table in Markdown. */
export function formatRules(): string {
  const rows = Object.entries(RULES).map(([id, { title, levels, holds, why }]) => [
    `\`${id}\``,
    levels.join(', '),
    holds,
    `${title}. ${why}`,
  ]);
  return markdownTable(['rule', 'levels', 'holds', 'what and why'], rows);
}
