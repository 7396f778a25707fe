// SPDX-License-Identifier: Apache-2.0
import type { LockedPackage } from '#bases';
import { compileCommand, type CompiledModule, parseModuleList, reportFips } from '#build';
import { type Digest, reportStep } from '#core';
import { channelImage, type LockedModule } from '#definition';
import {
  buildAttestationManifest,
  buildSbom,
  builderIdOf,
  type BuildRecord,
  measureFile,
  type Parcel,
  PREDICATES,
  type RecordedModule,
  SBOM_RULES,
  type SbomInput,
  type SbomModule,
  type Statement,
  toCycloneDx,
  toProvenanceV02,
  toProvenanceV1,
  toSpdx,
  toStatement,
} from '#evidence';
import type { Json } from '#formats';
import { keepDocument, toDocument } from '#image';
import { digestOfOverlay } from '#patch';
import { formatRevision } from '#release';
import { type BaseContent, type Ground, openBase } from './bases.ts';
import { buildInputs } from './build-inputs.ts';
import { linkedOf } from './build-root.ts';
import type { BuildRequest, PlatformImage } from './images.ts';
import { findModuleLicences } from './licences.ts';
import { type Job, openPreparation } from './prepare.ts';
import { readText, stepTools, type Workshop } from './workshop.ts';

/** What is claimed of one platform's image; `parcel` is its attestation manifest for the index. */
export interface Attested {
  readonly parcel: Parcel;
  readonly statements: readonly Statement[];
  readonly sbom: { readonly spdx: Digest; readonly cyclonedx: Digest };
}

/** One image to make claims about, with what it was built from. */
export interface AttestRequest {
  readonly job: Job;
  readonly image: Omit<PlatformImage, 'attested'>;
  readonly channel: string;
  readonly ground: Pick<Ground, 'distribution' | 'image'>;
  readonly build: BuildRequest;
}

/** Writes the SBOM (once per content) and the provenance of one image, and keeps its attestation manifest in the cache. */
export async function attestImage(request: AttestRequest, shop: Workshop): Promise<Attested> {
  const { job, image, channel } = request;
  const subject = { name: `${channel}/${job.component}`, digest: image.image.manifest.descriptor.digest };
  const modules = parseModuleList(await readText(image.binary.modules.digest, shop));
  const sbom = await writeSbom({ ...request, modules }, shop);
  const record = recordOf({ ...request, modules });
  const statements = [
    toStatement(subject, PREDICATES.spdx, sbom.spdx.json),
    toStatement(subject, PREDICATES.cyclonedx, sbom.cyclonedx.json),
    toStatement(subject, PREDICATES.provenanceV1, toProvenanceV1(record)),
    toStatement(subject, PREDICATES.provenanceV02, toProvenanceV02(record)),
  ];
  // CycloneDX is a signed referrer only: buildx shows one SBOM an image, and SPDX is the form it reads. So is the proof of a patch: an
  // image has the same digest whether it was tested and analysed or not.
  const embedded = statements.filter((statement) => statement.predicateType !== PREDICATES.cyclonedx);
  const parcel = buildAttestationManifest(image.image.manifest.descriptor, embedded);
  for (const document of [...parcel.blobs, parcel.manifest]) await keepDocument(document, shop.cache.blobs);
  const proved = (await request.build.provePatched?.({ job, image: subject.digest, modules })) ?? [];
  statements.push(...proved.map(({ predicateType, predicate }) => toStatement(subject, predicateType, predicate)));
  const fips = await fipsReportOf(request, shop);
  if (fips !== undefined) statements.push(toStatement(subject, PREDICATES.fipsReport, fips));
  return { parcel, statements, sbom: { spdx: sbom.spdx.digest, cyclonedx: sbom.cyclonedx.digest } };
}

/** What proves a program's FIPS mode; undefined where the channel has none. */
async function fipsReportOf({ job, image, build }: AttestRequest, shop: Workshop): Promise<Json | undefined> {
  if (job.request.crypto === 'none') return undefined;
  const prepare = () => openPreparation(shop, build.definition)(job);
  const tools = { ...stepTools(build.definition, shop), machine: shop.machine.platform };
  return (await reportFips(job.request, image.binary.binary, prepare, tools)).value;
}

type WithModules = AttestRequest & { readonly modules: readonly CompiledModule[] };
type SbomDigests = { readonly spdx: Digest; readonly cyclonedx: Digest };
type SbomDocument = { readonly digest: Digest; readonly json: Json };

async function writeSbom(
  request: WithModules,
  shop: Workshop,
): Promise<{ spdx: SbomDocument; cyclonedx: SbomDocument }> {
  const { job, image, build } = request;
  const { definition } = build;
  const inputs = {
    rules: SBOM_RULES,
    manifest: image.image.manifest.descriptor.digest,
    component: job.component,
    main: job.request.main,
    nested: job.request.nested,
    modules: image.binary.modules.digest,
    toolchain: job.request.toolchain,
    vendor: definition.vendor,
    oakum: shop.versions['oakum'] ?? '',
    ...(job.request.overlay === undefined ? {} : { overlay: job.request.overlay }),
    ...(job.request.buildRoot === undefined ? {} : { linked: linkedOf(job) }),
  } as unknown as Json;
  const names = { subject: `${job.component} ${job.platform}`, step: 'write SBOM' };
  const known = await shop.cache.peek<SbomDigests>({ name: 'write-sbom', inputs }, (value) => [
    value.spdx,
    value.cyclonedx,
  ]);
  const digests =
    known ??
    (
      await reportStep(shop.report, names, () =>
        shop.cache.step<SbomDigests>(
          { name: 'write-sbom', inputs },
          (value) => [value.spdx, value.cyclonedx],
          async () => {
            const sbom = buildSbom(await sbomInput(request, shop));
            const [spdx, cyclonedx] = [toSpdx(sbom), toCycloneDx(sbom)].map((json) =>
              toDocument(json, 'application/json'),
            );
            if (spdx === undefined || cyclonedx === undefined) throw new TypeError('two documents were written');
            for (const document of [spdx, cyclonedx]) await keepDocument(document, shop.cache.blobs);
            return { spdx: spdx.descriptor.digest, cyclonedx: cyclonedx.descriptor.digest };
          },
        ),
      )
    ).value;
  const read = async (digest: Digest) => ({ digest, json: JSON.parse(await readText(digest, shop)) as Json });
  return { spdx: await read(digests.spdx), cyclonedx: await read(digests.cyclonedx) };
}

async function sbomInput(request: WithModules, shop: Workshop): Promise<Parameters<typeof buildSbom>[0]> {
  const { job, image, build, modules, channel } = request;
  const { definition, lock } = build;
  const { main, nested } = { main: job.locked.module, nested: job.locked.nested };
  const root = await baseContent(request, shop);
  const own = [main, ...nested].map(({ path, version, zipHash }) => ({ path, version, hash: zipHash }));
  const licences = await findModuleLicences([...own, ...modules], shop);
  const withLicence = (module: CompiledModule, index: number): SbomModule => {
    const licence = licences[index];
    return licence === undefined ? module : { ...module, licence };
  };
  const [licensedMain, ...licensedNested] = own.map(withLicence);
  const toolchain = lock.toolchains[definition.toolchain]?.[shop.machine.platform] as LockedModule;
  const origin = job.locked.origin === undefined ? {} : { origin: job.locked.origin };
  return {
    tool: { name: 'oakum', version: shop.versions['oakum'] ?? '' },
    vendor: definition.vendor,
    subject: {
      name: `${channel}/${job.component}`,
      version: main.version,
      platform: job.platform,
      digest: image.image.manifest.descriptor.digest,
      configDigest: image.image.config.descriptor.digest,
      created: new Date(job.locked.time),
    },
    main: { ...(licensedMain as SbomModule), ...origin, ...laidOver(job) },
    nested: licensedNested,
    modules: modules.map((module, index) => withOriginal(withLicence(module, own.length + index), job)),
    go: {
      version: definition.toolchain,
      toolchain: { path: toolchain.path, version: toolchain.version, hash: toolchain.zipHash },
    },
    linked: linkedOf(job),
    binary: await measureFile(image.binaryPath, shop.cache.blobs.read(image.binary.binary)),
    files: root.files,
    packages: root.packages,
    distribution: request.ground.distribution,
  };
}

/** Adds what a module was before the overlay raised it. */
function withOriginal(module: SbomModule, { overlay }: Job): SbomModule {
  const raise = overlay?.requires.find(({ path, to }) => path === module.path && to === module.version);
  if (raise === undefined) return module;
  const { from, findings } = raise;
  return { ...module, raised: { ...(from === undefined ? {} : { version: from }), findings } };
}

/** What the overlay means for the main module: its go.mod and go.sum are edited, its patch files applied. */
function laidOver({ overlay }: Job): Pick<SbomInput['main'], 'overlay'> {
  if (overlay === undefined) return {};
  const findings = [...new Set(overlay.requires.flatMap((one) => one.findings))].sort();
  return { overlay: { findings, patches: overlay.patches.map(({ file }) => file) } };
}

/** What the base brings in; a file of it where the program lies is hidden by that. */
async function baseContent({ build, channel, job, image }: AttestRequest, shop: Workshop): Promise<BaseContent> {
  const { base: name } = channelImage(build.definition, channel, job.component);
  const [base, locked] = [build.definition.bases[name], build.lock.bases[name]];
  if (base === undefined || locked === undefined)
    throw new TypeError(`base ${name} passed the checks but is not there`);
  const { files, packages } = await openBase(base, shop).content(locked, job.platform);
  const isSeen = ({ path }: { readonly path: string }) => path !== image.binaryPath;
  return {
    files: files.filter(isSeen),
    packages: packages.map((one) => ({ ...one, files: one.files.filter(isSeen) })),
  };
}

/** Gives the build's own record, from the lock and from what the compile left. */
function recordOf(request: WithModules): BuildRecord {
  const { job, image, channel, build, modules } = request;
  const { definition, lock, release } = build;
  const { base } = channelImage(definition, channel, job.component);
  const { invocation } = image.binary;
  return {
    builder: { engine: 'local', id: builderIdOf('local'), version: build.versions, sandbox: image.binary.isolation },
    invocation: {
      id: invocation.id,
      startedOn: new Date(invocation.startedOn),
      finishedOn: new Date(invocation.finishedOn),
    },
    request: {
      distribution: definition.name,
      release,
      revision: formatRevision({ release, number: build.revision }),
      channel,
      component: job.component,
      platform: job.platform,
      definition: build.digests.definition,
      lock: build.digests.lock,
    },
    inputs: buildInputs(build, job, channel),
    steps: {
      compile: compileCommand(job.request),
      pack: { parameters: { compressor: lock.compressor, user: definition.channels[channel]?.user ?? '' } },
    },
    materials: {
      source: {
        ...recordModule(job.locked.module),
        ...(job.locked.origin === undefined
          ? {}
          : { repository: job.locked.origin.url, commit: job.locked.origin.commit }),
        ...(job.locked.origin?.ref === undefined ? {} : { ref: job.locked.origin.ref }),
      },
      nested: job.locked.nested.map(recordModule),
      ...(job.overlay === undefined
        ? {}
        : { overlay: { digest: digestOfOverlay(job.overlay), patches: job.overlay.patches } }),
      modules: modules.map(({ path, version, hash }) => ({ path, version, h1: hash })),
      toolchain: recordModule(toolchainOf(request)),
      packages: materialsOf([...(lock.bases[base]?.packages[job.platform] ?? []), ...(job.compiler ?? [])]),
      ...(request.ground.image === undefined ? {} : { image: request.ground.image }),
      distribution: request.ground.distribution,
      exemptions: build.exemptions,
    },
  };
}

/** A package may be in base and build root. */
function materialsOf(packages: readonly LockedPackage[]): readonly LockedPackage[] {
  return [...new Map(packages.map((one) => [one.sha256, one])).values()];
}

function toolchainOf({ job, build }: AttestRequest): LockedModule {
  const modules = Object.values(build.lock.toolchains[build.definition.toolchain] ?? {});
  const found = modules.find((module) => module.zipHash === job.request.toolchain.zipHash);
  if (found === undefined) throw new TypeError('a toolchain was used that the lock does not hold');
  return found;
}

function recordModule({ path, version, zipHash }: LockedModule): RecordedModule {
  return { path, version, h1: zipHash };
}
