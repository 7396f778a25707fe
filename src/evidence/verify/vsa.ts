// SPDX-License-Identifier: Apache-2.0
import { formatPurl } from '#formats';
import { parseReference } from '#image';
import { EvidenceError } from '../error.ts';
import { PREDICATES, type Statement, toStatement } from '../statement.ts';
import type { VerificationReport } from './report.ts';

/** The id under which Oakum's verdicts are known; a consumer of the summary names it. */
export const VERIFIER_ID = 'https://oakum.dev/verifiers/oakum/v1';

/**
 * Gives a report as a SLSA Verification Summary Attestation (slsa.dev/spec/v1.0/verification_summary). `version` is
 * Oakum's. A verdict that could not be reached has no summary: throws `VERDICT_MISSING` then.
 */
export function toVsa(report: VerificationReport, version: string): Statement {
  if (report.verdict === 'undecided' || report.digest === undefined) {
    throw new EvidenceError('VERDICT_MISSING', 'there is no verdict to summarise', {
      where: report.image,
      hint: 'Verify again when the registry can be reached.',
    });
  }
  const passed = report.verdict === 'trusted';
  const used = report.evidence.filter(({ trusted, digest }) => trusted && digest !== undefined);
  const inputs = new Map(used.map(({ digest = '', type }) => [digest, type]));
  return toStatement({ name: report.image, digest: report.digest }, PREDICATES.verificationSummary, {
    verifier: { id: VERIFIER_ID, version: { oakum: version } },
    timeVerified: `${report.time.slice(0, 19)}Z`,
    resourceUri: resourceUriOf(report),
    policy: { uri: report.policy.uri, digest: digestSet(report.policy.digest) },
    inputAttestations: [...inputs].map(([digest, type]) => ({ uri: type, digest: digestSet(digest) })),
    verificationResult: passed ? 'PASSED' : 'FAILED',
    verifiedLevels: [levelOf(report, passed)],
    slsaVersion: '1.0',
  });
}

/**
 * Gives the URI of a report's image in its summary: the package URL of the repository (purl-spec, type oci), without the
 * digest, which is the subject; an image of a layout by the name it was given.
 */
export function resourceUriOf(report: Pick<VerificationReport, 'image'>): string {
  if (report.image.startsWith('oci:')) return report.image;
  const { registry, repository, tag } = parseReference(report.image);
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  const qualifiers = { repository_url: `${registry}/${repository}`, ...(tag === undefined ? {} : { tag }) };
  return formatPurl({ type: 'oci', name, qualifiers });
}

/** "SlsaResult" of the specification: a level of the build track, FAILED, or UNEVALUATED where the policy does not ask. */
function levelOf({ level }: VerificationReport, passed: boolean): string {
  if (!passed) return 'FAILED';
  return level === undefined ? 'SLSA_BUILD_LEVEL_UNEVALUATED' : `SLSA_BUILD_LEVEL_${level}`;
}

function digestSet(digest: string): { readonly sha256: string } {
  return { sha256: digest.replace(/^sha256:/, '') };
}
