// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { type Descriptor, type Document, isIndexType, parseIndex, parseManifest, readImageDocuments } from '#image';
import { attestationManifestsOf } from '../attach/attestation-manifest.ts';
import type { EvidenceStore } from '../attach/store.ts';
import { EvidenceError } from '../error.ts';
import { isProvenanceType, type ProvenanceReading, readProvenance } from '../provenance/read.ts';
import { type SbomReading, toReading } from '../sbom/read.ts';
import { PREDICATES } from '../statement.ts';
import { type PlatformTarget, selectPlatforms } from '../verify/platforms.ts';
import { type ClaimsReading, type FoundClaim, readClaims, type RefusedClaim } from './claims.ts';

/** What to look at. */
export interface InspectRequest {
  readonly image: string;
  readonly root: Document;
  readonly store: EvidenceStore;
  /** Only these platforms; all by default. */
  readonly platforms?: readonly string[];
}

/** A statement in a list: what it claims, where it is, who signed it (not verified). */
export interface ClaimSummary {
  readonly predicateType: string;
  readonly place: FoundClaim['place'];
  readonly digest: Digest;
  readonly signedBy: string | undefined;
}

/** What an SBOM says is inside, in numbers. */
export interface ContentSummary {
  readonly goModules: number;
  readonly packages: number;
  readonly files: number;
  /** `go1.27.3`, where a standard library is named. */
  readonly go: string | undefined;
}

/** One platform of an image. Sizes in bytes. */
export interface PlatformInspection {
  readonly platform: string;
  readonly digest: Digest;
  readonly size: number;
  readonly layers: number;
  readonly created: string | undefined;
  readonly user: string | undefined;
  readonly command: readonly string[];
  readonly sboms: readonly string[];
  readonly content: ContentSummary | undefined;
  readonly provenance: ProvenanceReading | undefined;
  readonly claims: readonly ClaimSummary[];
  readonly refused: readonly RefusedClaim[];
}

/** An image and what is attached to it. `claims` are about the image as a whole, that is its index. */
export interface ImageInspection {
  readonly image: string;
  readonly digest: Digest;
  readonly annotations: Readonly<Record<string, string>>;
  readonly platforms: readonly PlatformInspection[];
  readonly claims: readonly ClaimSummary[];
  readonly refused: readonly RefusedClaim[];
}

/**
 * Reads what an image is, what is in it by its SBOM and who built it by its provenance. Nothing is verified: that is
 * verifyImage's. Throws `PLATFORM_MISSING` for a platform that is not there, and what the store throws.
 */
export async function inspectImage(request: InspectRequest): Promise<ImageInspection> {
  const { image, root, store } = request;
  const { annotations = {} } = isIndexType(root.descriptor.mediaType)
    ? parseIndex(root.bytes, image)
    : parseManifest(root.bytes, image);
  const isIndex = isIndexType(root.descriptor.mediaType);
  const [platforms, own] = await Promise.all([
    Promise.all(platformTargets(request).map((target) => inspectPlatform(request, target))),
    isIndex ? readClaims({ store, subject: root.descriptor.digest, embedded: [] }) : { claims: [], refused: [] },
  ]);
  return {
    image,
    digest: root.descriptor.digest,
    annotations,
    platforms,
    claims: own.claims.map(toSummary),
    refused: own.refused,
  };
}

/** What predicate to find: the first of `types` that is there; of `platform` where the image has several and the request names none. */
export interface PredicateRequest extends InspectRequest {
  readonly types: readonly string[];
  readonly platform?: string;
}

/**
 * Gives a predicate claimed about one platform of an image, not verified. Throws `PREDICATE_MISSING` with those there are,
 * `PLATFORM_MISSING`, and what the store throws.
 */
export async function findPredicate(request: PredicateRequest): Promise<unknown> {
  const { types } = request;
  const { claims } = await claimsOf(request, theTarget(request).descriptor);
  const [found] = types.flatMap((type) => claims.filter(({ statement }) => statement.predicateType === type));
  if (found !== undefined) return found.statement.predicate;
  const there = [...new Set(claims.map(({ statement }) => statement.predicateType))];
  throw new EvidenceError('PREDICATE_MISSING', `nothing attached claims ${types.join(' or ')}`, {
    where: request.image,
    hint: there.length === 0 ? 'Nothing at all is attached.' : `Attached are ${there.join(', ')}.`,
  });
}

function theTarget(request: PredicateRequest): PlatformTarget {
  const targets = platformTargets(request);
  const [only] = targets.length > 1 ? targets.filter(({ name }) => name === request.platform) : targets;
  if (only !== undefined) return only;
  throw new EvidenceError('PLATFORM_MISSING', 'the image has several platforms, and none is named', {
    where: request.image,
    hint: `Name one of ${targets.map(({ name }) => name).join(', ')}.`,
  });
}

/** Gives the platforms of an image that are asked for. Throws `PLATFORM_MISSING` with those there are. */
export function platformTargets({ image, root, platforms }: Omit<InspectRequest, 'store'>): readonly PlatformTarget[] {
  const { targets, missing } = selectPlatforms(root, platforms, image);
  if (missing.length === 0) return targets;
  const all = selectPlatforms(root, undefined, image).targets.map(({ name }) => name);
  throw new EvidenceError('PLATFORM_MISSING', `the image is not there for ${missing.join(', ')}`, {
    where: image,
    hint: `It is there for ${all.join(', ') || 'no platform'}.`,
  });
}

function claimsOf({ root, store, image }: InspectRequest, { digest }: Descriptor): Promise<ClaimsReading> {
  const entries = isIndexType(root.descriptor.mediaType) ? parseIndex(root.bytes, image).manifests : [];
  return readClaims({ store, subject: digest, embedded: attestationManifestsOf(entries, digest) });
}

async function inspectPlatform(request: InspectRequest, target: PlatformTarget): Promise<PlatformInspection> {
  const { source } = request.store;
  const { descriptor } = target;
  const claimed = claimsOf(request, descriptor);
  claimed.catch(() => {}); // awaited below, after what may fail first
  const { manifest, config } = await readImageDocuments(source, descriptor);
  const { layers } = manifest;
  const { claims, refused } = await claimed;
  const faults: RefusedClaim[] = [];
  const sboms = readAll(claims, isSbomType, {
    faults,
    read: ({ statement, digest }) => toReading(statement.predicate, digest),
  });
  const provenances = readAll(claims, isProvenanceType, {
    faults,
    read: ({ statement, digest }) => readProvenance(statement.predicateType, statement.predicate, digest),
  });
  const { User, Entrypoint, Cmd } = config.config ?? {};
  return {
    platform: `${config.os}/${config.architecture}`,
    digest: descriptor.digest,
    size: layers.reduce((sum, { size }) => sum + size, 0),
    layers: layers.length,
    created: config.created,
    user: User,
    command: [...(Entrypoint ?? []), ...(Cmd ?? [])],
    sboms: [...new Set(sboms.map(nameOf))],
    content: sboms[0] === undefined ? undefined : summarize(sboms[0]),
    provenance: provenances.find(({ versions }) => Object.keys(versions).length > 0) ?? provenances[0],
    claims: claims.map(toSummary),
    refused: [...refused, ...faults],
  };
}

function readAll<T>(
  claims: readonly FoundClaim[],
  isWanted: (type: string) => boolean,
  { faults, read }: { faults: RefusedClaim[]; read: (claim: FoundClaim) => T },
): readonly T[] {
  return claims.flatMap((claim) => {
    if (!isWanted(claim.statement.predicateType)) return [];
    try {
      return [read(claim)];
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error;
      faults.push({ digest: claim.digest, reason: error.message });
      return [];
    }
  });
}

/** CycloneDX attestations also carry the version behind the type. */
function isSbomType(type: string): boolean {
  return type === PREDICATES.spdx || type.startsWith(PREDICATES.cyclonedx);
}

function nameOf({ format, specVersion }: SbomReading): string {
  return `${format === 'spdx' ? 'SPDX' : 'CycloneDX'} ${specVersion}`;
}

function summarize({ components, files }: SbomReading): ContentSummary {
  const inside = components.filter(({ excluded }) => !excluded);
  const typed = (...types: readonly string[]) => inside.filter(({ purl }) => types.includes(purl?.type ?? ''));
  const modules = typed('golang');
  const isStandard = (name: string | undefined) => name === 'stdlib' || name === 'std';
  const standard = modules.find(({ purl }) => purl?.namespace === undefined && isStandard(purl?.name));
  const binaries = typed('deb', 'apk', 'rpm').filter(({ purl }) => purl?.qualifiers?.['arch'] !== 'source');
  return {
    goModules: modules.filter((one) => one !== standard).length,
    packages: binaries.length,
    files: files.size,
    go: standard === undefined ? undefined : `go${standard.version.replace(/^(?:go|v)/, '')}`,
  };
}

function toSummary({ place, digest, signedBy, statement }: FoundClaim): ClaimSummary {
  return { predicateType: statement.predicateType, place, digest, signedBy };
}
