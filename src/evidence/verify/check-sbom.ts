// SPDX-License-Identifier: Apache-2.0
import { messageOf, OakumError } from '#core';
import type { ContentSource, Descriptor } from '#image';
import type { ReadStatement } from '../statement.ts';
import { isContentFault } from './content-fault.ts';
import type { Check } from './report.ts';

/** An SBOM that somebody believed signed, for one platform. */
export interface SbomClaim {
  readonly type: string;
  readonly place: string;
  readonly statement: ReadStatement | undefined;
}

/** The image an SBOM must be true of. */
export interface SbomTarget {
  readonly subject: string;
  readonly descriptor: Descriptor;
  readonly architecture: string;
  readonly source: ContentSource;
  /** Names a new path on disk, for one program at a time. */
  readonly temporary: () => string;
}

/**
 * Checks SBOMs: each must be about this platform's manifest, and with `matches` equal to what the layers really hold. Where
 * a format is there more than once, one true document of it is enough. The registry's failures become `unknown`.
 */
export async function checkSboms(
  claims: readonly SbomClaim[],
  target: SbomTarget,
  demand: 'present' | 'matches',
): Promise<readonly Check[]> {
  const check = (outcome: Check['outcome'], reason: string): Check => ({
    name: 'sbom',
    subject: target.subject,
    outcome,
    reason,
  });
  try {
    const types = [...new Set(claims.map(({ type }) => type))];
    if (types.length === 0) return [check('failed', 'there is no SBOM to trust')];
    const faultsOf = await comparer(target, demand);
    return types.map((type) => {
      const results = claims
        .filter((claim) => claim.type === type)
        .map((claim) => ({ claim, faults: faultsOf(claim) }));
      const good = results.find(({ faults }) => faults.length === 0);
      const what = demand === 'matches' ? 'equals what the layers hold' : 'is about this image';
      if (good !== undefined) return check('passed', `${type} ${what} (${good.claim.place})`);
      const faults = results[0]?.faults ?? [];
      const more = faults.length > 3 ? `; and ${faults.length - 3} more` : '';
      return check('failed', `${type} is not true of this image: ${faults.slice(0, 3).join('; ')}${more}`);
    });
  } catch (error) {
    if (!(error instanceof OakumError)) throw error;
    return [check(isContentFault(error) ? 'failed' : 'unknown', messageOf(error))];
  }
}

/** Loads the SBOM code only where a policy asks for it. */
async function comparer(
  target: SbomTarget,
  demand: 'present' | 'matches',
): Promise<(claim: SbomClaim) => readonly string[]> {
  const [{ toReading }, { compareSbom }, { readImageContent }] = await Promise.all([
    import('../sbom/read.ts'),
    import('../sbom/compare.ts'),
    import('../sbom/image-content.ts'),
  ]);
  const { descriptor, source, temporary } = target;
  const content = demand === 'matches' ? await readImageContent(source, descriptor, { temporary }) : undefined;
  return ({ statement, place }) => {
    try {
      const reading = toReading(statement?.predicate, place);
      if (content !== undefined) {
        return compareSbom(reading, content).map(
          ({ what, name, sbom, image }) => `${what} ${name}: SBOM ${sbom ?? 'nothing'}, image ${image ?? 'nothing'}`,
        );
      }
      return reading.components
        .filter(({ described }) => described)
        .flatMap(({ digest, purl }) => [
          ...(digest === undefined || digest === descriptor.digest ? [] : [`it describes ${digest}`]),
          ...otherArchitecture(purl?.qualifiers?.['arch'], target.architecture),
        ]);
    } catch (error) {
      return [messageOf(error)];
    }
  };
}

function otherArchitecture(claimed: string | undefined, real: string): string[] {
  return claimed === undefined || claimed === real ? [] : [`it is for ${claimed}, the image for ${real}`];
}
