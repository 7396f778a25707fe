// SPDX-License-Identifier: Apache-2.0
import {
  type Certificate,
  certificateState,
  type CertificateState,
  certificateWarning,
  examineProgram,
  type FipsMode,
  type OtherProgram,
  type ProgramExamination,
  type SelfTest,
} from '#build';
import type { Digest } from '#core';
import {
  EvidenceError,
  type EvidenceStore,
  findPredicate,
  type InspectRequest,
  type PlatformTarget,
  platformTargets,
  PREDICATES,
  readImageContent,
} from '#evidence';
import { type Descriptor, type ImageConfig, isIndexType, parseIndex, readImageDocuments } from '#image';
import { compareAttested } from './attested-fips.ts';

/** A Go program of an image, and what its bytes say. */
export type ExaminedProgram = ProgramExamination & {
  readonly path: string;
  readonly digest: Digest;
  readonly certificate: (Certificate & CertificateState) | undefined;
  readonly selfTest: SelfTest;
};

/** Another program of an image, or what can't be read as one. */
export type PlacedProgram = OtherProgram & { readonly path: string; readonly digest: Digest };

/** A place where FIPS is claimed by words alone. */
export type WordClaim = { readonly where: 'label' | 'annotation'; readonly name: string; readonly value: string };

/** What the bytes of one platform's image say of its cryptography. `reasons` say why it is not proved. */
export type PlatformFips = {
  readonly platform: string;
  readonly digest: Digest;
  readonly verdict: 'proved' | 'not proved';
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  readonly claims: readonly WordClaim[];
  /** What a container starts: entrypoint and command. */
  readonly starts: readonly string[];
  readonly programs: readonly ExaminedProgram[];
  readonly others: readonly PlacedProgram[];
  /** Whether a FIPS report is attached, and in what it differs; nobody's signature is checked here. */
  readonly attested: { readonly there: boolean; readonly differences: readonly string[] };
};

/** The report on an image, derived from its bytes. */
export type ImageFips = {
  readonly image: string;
  readonly digest: Digest;
  readonly verdict: 'proved' | 'not proved';
  readonly platforms: readonly PlatformFips[];
};

/** What {@link examineImage} works with; `selfTest` starts a program, and is left out where nothing may run. */
export interface ExamineTools {
  readonly now: Date;
  readonly temporary: () => string;
  readonly selfTest?: (file: string, mode: FipsMode, platform: string) => Promise<SelfTest>;
}

const NOT_STARTED: SelfTest = { verdict: 'not run', reason: 'nothing was started' };

/**
 * Reads an image, ours or anyone's, and says what its bytes prove of its cryptography, platform by platform. What labels and
 * annotations say counts for nothing. Throws `PLATFORM_MISSING`, and what the store and hostile content throw.
 */
export async function examineImage(request: InspectRequest, tools: ExamineTools): Promise<ImageFips> {
  const { image, root } = request;
  const platforms: PlatformFips[] = [];
  for (const target of platformTargets(request)) platforms.push(await examinePlatform(request, target, tools));
  const proved = platforms.length > 0 && platforms.every(({ verdict }) => verdict === 'proved');
  return { image, digest: root.descriptor.digest, verdict: proved ? 'proved' : 'not proved', platforms };
}

async function examinePlatform(
  request: InspectRequest,
  target: PlatformTarget,
  tools: ExamineTools,
): Promise<PlatformFips> {
  const { image, root, store } = request;
  const { descriptor } = target;
  const { manifest, config } = await readImageDocuments(store.source, descriptor);
  const platform = `${config.os}/${config.architecture}`;
  const { programs, others } = await readPrograms(store, descriptor, tools);
  const starts = [...(config.config?.Entrypoint ?? []), ...(config.config?.Cmd ?? [])];
  const attested = await readAttested(request, target, programs);
  const reasons = [
    ...reasonsOf({ programs, others, starts, platform, environment: config.config?.Env ?? [] }),
    ...attested.differences.map((difference) => `the attached report says otherwise: ${difference}`),
  ];
  return {
    platform,
    digest: descriptor.digest,
    verdict: reasons.length === 0 ? 'proved' : 'not proved',
    reasons,
    warnings: warningsOf(programs, tools.now),
    claims: [
      ...(isIndexType(root.descriptor.mediaType)
        ? claimsIn('annotation', parseIndex(root.bytes, image).annotations)
        : []),
      ...claimsIn('annotation', manifest.annotations),
      ...claimsIn('label', config.config?.Labels ?? undefined),
    ],
    starts,
    programs,
    others,
    attested,
  };
}

type Programs = Pick<PlatformFips, 'programs' | 'others'>;

/** Examines every ELF file as the layers are read, and keeps those that no later layer hides. */
async function readPrograms(store: EvidenceStore, target: Descriptor, tools: ExamineTools): Promise<Programs> {
  const seen = new Map<string, ExaminedProgram | PlacedProgram>();
  const content = await readImageContent(store.source, target, {
    temporary: tools.temporary,
    onProgram: async ({ path, digest, file }) => {
      seen.set(`${path}\0${digest}`, { path, digest, ...(await examineFile(file, tools)) });
    },
  });
  const kept = [...content.files].flatMap(([path, { digest }]) => seen.get(`${path}\0${digest}`) ?? []);
  return {
    programs: kept.filter((one) => one.kind === 'go'),
    others: kept.filter((one) => one.kind !== 'go'),
  };
}

/** Takes a file, which may be anything; gives what its bytes say, the state of its certificate, and how its self-test went. */
export async function examineFile(
  file: string,
  tools: Pick<ExamineTools, 'now' | 'selfTest'>,
): Promise<Omit<ExaminedProgram, 'path' | 'digest'> | OtherProgram> {
  const examined = await examineProgram(file);
  if (examined.kind !== 'go') return examined;
  const certificate = examined.certified?.certificate;
  const selfTest =
    examined.mode === 'none'
      ? NOT_STARTED
      : ((await tools.selfTest?.(file, examined.mode, examined.platform)) ?? NOT_STARTED);
  return {
    ...examined,
    certificate: certificate && { ...certificate, ...certificateState(certificate, tools.now) },
    faults: [...examined.faults, ...(selfTest.verdict === 'failed' ? [`its self-test said: ${selfTest.said}`] : [])],
    selfTest,
  };
}

/** Gives what must be said of the certificates and modules of programs, each once. */
export function warningsOf(programs: readonly Pick<ExaminedProgram, 'certified'>[], now: Date): readonly string[] {
  const all = programs.flatMap(({ certified }) => {
    if (certified?.certificate === undefined) return [];
    const { certificate, note, module, version } = certified;
    const warning = certificateWarning(certificate, now);
    return [
      ...(warning === undefined ? [] : [warning]),
      ...(note === undefined ? [] : [`${module} ${version}: ${note}`]),
    ];
  });
  return [...new Set(all)];
}

interface Found extends Programs {
  readonly starts: readonly string[];
  readonly platform: string;
  readonly environment: readonly string[];
}

function reasonsOf({ programs, others, starts, platform, environment }: Found): readonly string[] {
  const proved = programs.filter(({ faults }) => faults.length === 0);
  const words = starts.map((word) => word.replace(/^.*\//, ''));
  const started = proved.some(({ path }) => words.includes(path.replace(/^.*\//, '')));
  const off = environment.find((one) => /^GODEBUG=(?:.*,)?fips140=off(?:,|$)/.test(one));
  return [
    ...programs.flatMap(({ path, faults }) => faults.map((fault) => `${path}: ${fault}`)),
    ...programs
      .filter((one) => one.platform !== platform)
      .map((one) => `${one.path}: it is built for ${one.platform}, and the image is for ${platform}`),
    ...others.filter(({ kind }) => kind === 'unreadable').map(({ path, why }) => `${path}: ${why}`),
    ...(programs.length === 0 ? ['it holds no Go program that can be read'] : []),
    ...(proved.length === 0 || started
      ? []
      : [`what it starts (${starts.join(' ') || 'nothing'}) is none of the proved programs`]),
    ...(off === undefined ? [] : [`its environment turns FIPS mode off: ${off}`]),
  ];
}

function claimsIn(where: WordClaim['where'], words: ImageConfigLabels | undefined): readonly WordClaim[] {
  return Object.entries(words ?? {})
    .filter((pair) => pair.some((text) => /fips/i.test(text)))
    .map(([name, value]) => ({ where, name, value }));
}

type ImageConfigLabels = NonNullable<NonNullable<ImageConfig['config']>['Labels']>;

async function readAttested(
  request: InspectRequest,
  { name }: PlatformTarget,
  programs: readonly ExaminedProgram[],
): Promise<PlatformFips['attested']> {
  const platforms = isIndexType(request.root.descriptor.mediaType) ? { platforms: [name] } : {};
  try {
    const predicate = await findPredicate({ ...request, ...platforms, types: [PREDICATES.fipsReport] });
    return { there: true, differences: compareAttested(predicate, programs) };
  } catch (error) {
    if (error instanceof EvidenceError && error.code === 'PREDICATE_MISSING') return { there: false, differences: [] };
    throw error;
  }
}
