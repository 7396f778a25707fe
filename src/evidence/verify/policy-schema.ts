// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { PREDICATE_NAMES } from './predicate-names.ts';

const pattern = z.string().min(1).refine(isPattern, 'must be a regular expression');

const transparency = z
  .enum(['log', 'timestamp', 'none'])
  .describe(
    'What must prove when it was signed: an entry in a transparency log, a signed timestamp, or nothing (keys only).',
  );

const signs = z
  .array(z.string().min(1))
  .min(1)
  .describe(
    'What this identity is believed for: "signature", predicate types or their short names. Default: everything.',
  );

const identity = z
  .strictObject({
    name: z.string().min(1).optional().describe('How reports call this identity.'),
    key: z.string().min(1).optional().describe('A public key (PEM file), relative to the policy file.'),
    identity: z.string().min(1).optional().describe('The identity in the certificate: a workflow URL or an e-mail.'),
    identityPattern: pattern.optional().describe('A regular expression that the whole identity must match.'),
    issuer: z.string().min(1).optional().describe('Who vouched for the identity: the OIDC issuer in the certificate.'),
    issuerPattern: pattern.optional().describe('A regular expression that the whole issuer must match.'),
    transparency: transparency.optional(),
    certificateLog: z
      .boolean()
      .optional()
      .describe('Whether the certificate must prove that it is in a certificate log. Default: true.'),
    signs: signs.optional(),
  })
  .superRefine(identityFaults)
  .describe('Who may sign: a key, or a certificate with an identity and its issuer.');

const builder = z
  .strictObject({
    id: z.string().min(1).optional().describe('The builder id of the provenance, exact.'),
    idPattern: pattern.optional().describe('A regular expression that the whole builder id must match.'),
    level: z.int().min(0).max(3).describe('The highest SLSA build level that this builder is believed for.'),
  })
  .superRefine((value, context) => exactlyOne(value, ['id', 'idPattern'], context));

const source = z
  .strictObject({
    repository: z.string().min(1).optional().describe('The repository it was built from, like https://github.com/a/b.'),
    repositoryPattern: pattern.optional().describe('A regular expression that the whole repository must match.'),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'must be a git commit: 40 or 64 hex digits')
      .optional()
      .describe('The git commit it was built from.'),
    refPattern: pattern.optional().describe('A regular expression that the whole git ref must match.'),
  })
  .superRefine((value, context) => exactlyOne(value, ['repository', 'repositoryPattern'], context));

const slsa = z
  .strictObject({
    builders: z.array(builder).min(1).describe('Builders that are believed, each with the level it can reach.'),
    minimumLevel: z.int().min(1).max(3).default(1).describe('The lowest SLSA build level accepted.'),
    source: source.optional(),
  })
  .describe('Demands on the SLSA provenance; with this, one is needed for each platform.');

const require = z.strictObject({
  signature: z
    .enum(['root', 'each', 'none'])
    .default('root')
    .describe('Whose signature is needed: of what the reference names, of each platform manifest too, or none.'),
  attestations: z
    .array(z.string().min(1).refine(isPredicate, `must be a predicate type (a URL) or one of ${shortNames()}`))
    .default([])
    .describe('Signed statements needed for each platform: predicate types or short names.'),
  slsa: slsa.optional(),
  sbom: z
    .enum(['present', 'matches'])
    .optional()
    .describe('A signed SBOM for each platform: present, or also equal to what the image really holds.'),
  embedded: z
    .boolean()
    .default(false)
    .describe(
      'Whether attestations inside the index (BuildKit) count where the index is signed. They have no signature of their own.',
    ),
  maximumAge: z
    .string()
    .regex(/^[1-9][0-9]{0,4}[hd]$/, 'must be hours or days, like 12h or 30d')
    .optional()
    .describe('The oldest signature accepted; its time must be proved by a log or a timestamp.'),
});

/** The policy file. */
export const policySchema = z.strictObject({
  version: z.literal(1).describe('The version of this format.'),
  identities: z.array(identity).min(1).describe('Who may sign; one of them is enough for each check.'),
  trustedRoot: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A Sigstore trusted root (JSON file), relative to the policy file, or "public" for the public-good instance, kept up to date through TUF.',
    ),
  require: require.prefault({}),
  platforms: z
    .array(z.string().regex(/^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9]+)?$/, 'must be like linux/amd64'))
    .min(1)
    .optional()
    .describe('The platforms to check. Default: all of the image.'),
});

/** The policy file as written, after its defaults. */
export type PolicyFile = z.output<typeof policySchema>;

/** Gives the JSON Schema of the policy file, for editors. */
export function policyJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(policySchema, { io: 'input', target: 'draft-2020-12' }) as Record<
    string,
    unknown
  >;
  return { $schema, title: 'Oakum verification policy', ...rest };
}

function identityFaults(value: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  exactlyOne(value, ['key', 'identity', 'identityPattern'], context);
  const isKey = value['key'] !== undefined;
  const issuers = ['issuer', 'issuerPattern'];
  if (!isKey) exactlyOne(value, issuers, context);
  for (const name of [...issuers, 'certificateLog']) {
    if (isKey && value[name] !== undefined) fault(context, [name], 'belongs to a certificate, not to a key');
  }
  if (!isKey && value['transparency'] === 'none') {
    fault(
      context,
      ['transparency'],
      'a certificate lives for minutes: without a log or a timestamp nothing proves that it was used in them',
    );
  }
  for (const [index, name] of ((value['signs'] as string[] | undefined) ?? []).entries()) {
    if (name !== 'signature' && !isPredicate(name)) {
      fault(context, ['signs', index], `must be "signature", a predicate type (a URL) or one of ${shortNames()}`);
    }
  }
}

function exactlyOne(
  value: Readonly<Record<string, unknown>>,
  names: readonly string[],
  context: z.RefinementCtx,
): void {
  const given = names.filter((name) => value[name] !== undefined);
  if (given.length === 1) return;
  const [, second] = given;
  fault(context, second === undefined ? [] : [second], `exactly one of ${names.join(', ')} is needed`);
}

function fault(context: z.RefinementCtx, path: (string | number)[], message: string): void {
  context.addIssue({ code: 'custom', path, message });
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

function isPredicate(name: string): boolean {
  return URL.canParse(name) || Object.hasOwn(PREDICATE_NAMES, name);
}

function shortNames(): string {
  return Object.keys(PREDICATE_NAMES).join(', ');
}
