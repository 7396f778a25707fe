// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { type Platform, reportStep } from '#core';
import {
  type BaseDefinition,
  type Definition,
  emptyLock,
  type Lock,
  type LockedBase,
  type LockedComponent,
  type LockedModule,
  type LockedRelease,
} from '#definition';
import { type ProvedModule, toolchainModule } from '#sources';
import { openBase } from './bases.ts';
import { lacksBuildRoot, needsCompiler, resolveBuildRoot } from './build-root.ts';
import { FactoryError } from './error.ts';
import type { Workshop } from './workshop.ts';

/** What to resolve anew although the lock holds it. */
export type Refresh = 'all' | 'bases' | 'sources';

/** What {@link completeLock} brings a lock up to. `locked` refuses any change instead of making it. */
export interface LockRequest {
  readonly definition: Definition;
  readonly lock: Lock | undefined;
  readonly lockFile: string;
  /** `2.9.2`, or `2.9` for the newest 2.9.z. */
  readonly version: string;
  readonly locked: boolean;
  readonly refresh?: Refresh;
}

/** How what is missing is named. */
const BUILD_ROOT = 'the build root';

/** A lock that holds all that the request needs. */
export interface CompletedLock {
  readonly lock: Lock;
  readonly release: string;
  readonly changed: boolean;
}

/**
 * Resolves what the lock lacks for a release: its components, the toolchain for every platform Oakum runs on, the bases of
 * every channel and platform. Entries that are there stay as they are unless refreshed. Throws `LOCK_INCOMPLETE` when
 * `locked` forbids that, and what sources and bases throw.
 */
export async function completeLock(request: LockRequest, shop: Workshop): Promise<CompletedLock> {
  const { definition, refresh } = request;
  const before = request.lock ?? emptyLock(shop.compressor);
  if (refresh !== 'all') warnOfCompressor(before, request.lockFile, shop);
  const keepSources = refresh === undefined || refresh === 'bases';
  const keepBases = refresh === undefined || refresh === 'sources';
  const release = await exactVersion(request.version, Object.keys(before.releases), shop);
  const known = keepSources ? before.releases[release] : undefined;
  const missing = [
    ...(known === undefined || lacksComponent(known, definition) ? [`Flux ${release}`] : []),
    ...(keepSources && hasToolchain(before, definition) ? [] : [definition.toolchain]),
    ...(keepBases ? await basesLacking(before, definition, shop) : Object.keys(definition.bases)).map(
      (name) => `base ${name}`,
    ),
    ...(lacksBuildRoot(before, definition) || (!keepBases && needsCompiler(definition)) ? [BUILD_ROOT] : []),
  ];
  if (missing.length === 0) return { lock: before, release, changed: false };
  if (request.locked) throw incomplete(request, missing);
  const [lockedRelease, toolchain, bases, buildRoot] = await Promise.all([
    missing.includes(`Flux ${release}`) ? resolveRelease(release, definition, shop) : (known as LockedRelease),
    missing.includes(definition.toolchain)
      ? resolveToolchain(definition, shop)
      : before.toolchains[definition.toolchain],
    resolveBases(missing, definition, shop),
    missing.includes(BUILD_ROOT) ? resolveBuildRoot(definition, shop) : before.buildRoot,
  ]);
  const lock: Lock = {
    ...before,
    ...(refresh === 'all' ? { compressor: shop.compressor } : {}),
    toolchains: { ...before.toolchains, [definition.toolchain]: toolchain ?? {} },
    bases: { ...before.bases, ...bases },
    ...(buildRoot === undefined ? {} : { buildRoot }),
    releases: { ...before.releases, [release]: lockedRelease },
  };
  return { lock, release, changed: true };
}

/** Content stays the same; digests of layers, and so of images, do not. */
function warnOfCompressor({ compressor }: Lock, lockFile: string, shop: Workshop): void {
  if (compressor === shop.compressor) return;
  shop.report({
    kind: 'warning',
    message: `${lockFile} is for another compressor (${compressor}; here is ${shop.compressor}): layers hold the same, but get other digests than with that one. \`oakum lock --refresh all\` takes this one`,
  });
}

async function exactVersion(version: string, known: readonly string[], shop: Workshop): Promise<string> {
  const plain = version.replace(/^v/, '');
  if (/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(plain)) return plain;
  const { version: found, skipped } = await (await shop.sources()).release(plain, known);
  for (const one of skipped) shop.report({ kind: 'note', message: `Flux ${one.version} passed over: ${one.reason}` });
  return found;
}

function lacksComponent(release: LockedRelease, definition: Definition): boolean {
  return Object.keys(definition.components).some((name) => release.components[name] === undefined);
}

function hasToolchain(lock: Lock, definition: Definition): boolean {
  const found = lock.toolchains[definition.toolchain];
  return definition.platforms.every((platform) => found?.[platform] !== undefined);
}

/** Gives the names of bases that the lock lacks for a platform, or holds otherwise than the definition asks for. */
async function basesLacking(lock: Lock, definition: Definition, shop: Workshop): Promise<readonly string[]> {
  const lacking: string[] = [];
  for (const [name, defined] of Object.entries(definition.bases)) {
    const locked = lock.bases[name];
    const base = openBase(defined, shop);
    const fits = locked === undefined ? [] : definition.platforms.map((platform) => base.fits(locked, platform));
    if (locked === undefined || (await Promise.all(fits)).includes(false)) lacking.push(name);
  }
  return lacking;
}

async function resolveRelease(version: string, definition: Definition, shop: Workshop): Promise<LockedRelease> {
  const sources = await shop.sources();
  const { value } = await reportStep(shop.report, { subject: `flux ${version}`, step: 'resolve' }, async () => {
    const found = await sources.release(version);
    const limit = pLimit(8);
    const wanted = Object.entries(definition.components).map(([name, component]) =>
      limit(async () => {
        const named = found.components.find((one) => one.name === name);
        if (named === undefined) throw undefinedComponent(name, version);
        return [name, await resolveComponent({ path: component.module, version: named.version }, shop)] as const;
      }),
    );
    return {
      value: { flux: toLocked(found.module), components: Object.fromEntries(await Promise.all(wanted)) },
      cached: false,
    };
  });
  return value;
}

async function resolveComponent(module: { path: string; version: string }, shop: Workshop): Promise<LockedComponent> {
  const sources = await shop.sources();
  const [proved, info] = await Promise.all([sources.prove(module), sources.info(module)]);
  const nested = await sources.nestedModules(proved);
  const provedNested = await Promise.all(
    nested.map(async ({ path, version, folder }) => ({ ...toLocked(await sources.prove({ path, version })), folder })),
  );
  const origin = info.origin === undefined ? {} : { origin: info.origin };
  return { module: toLocked(proved), time: info.time.toISOString(), nested: provedNested, ...origin };
}

async function resolveToolchain(definition: Definition, shop: Workshop): Promise<Lock['toolchains'][string]> {
  const sources = await shop.sources();
  const entries = definition.platforms.map(
    async (platform) =>
      [platform, toLocked(await sources.prove(toolchainModule(definition.toolchain, platform)))] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

async function resolveBases(
  missing: readonly string[],
  definition: Definition,
  shop: Workshop,
): Promise<Lock['bases']> {
  const wanted = Object.entries(definition.bases).filter(([name]) => missing.includes(`base ${name}`));
  const resolved = wanted.map(
    async ([name, base]) => [name, await resolveBase(name, { base, platforms: definition.platforms }, shop)] as const,
  );
  return Object.fromEntries(await Promise.all(resolved));
}

async function resolveBase(
  name: string,
  wanted: { base: BaseDefinition; platforms: readonly Platform[] },
  shop: Workshop,
): Promise<LockedBase> {
  const { base, platforms } = wanted;
  const { value } = await reportStep(shop.report, { subject: `base ${name}`, step: 'resolve' }, async () => ({
    value: await openBase(base, shop).resolve(platforms),
    cached: false,
  }));
  return value;
}

function toLocked({ path, version, zipHash, modHash, proof }: ProvedModule): LockedModule {
  return { path, version, zipHash, modHash, proof };
}

function undefinedComponent(name: string, version: string): FactoryError {
  return new FactoryError('COMPONENT_UNDEFINED', `Flux ${version} has no component "${name}"`, {
    hint: 'Leave it out of `components` in the definition, or build a release that has it.',
  });
}

function incomplete(request: LockRequest, missing: readonly string[]): FactoryError {
  return new FactoryError('LOCK_INCOMPLETE', `the lock lacks ${missing.join(', ')}`, {
    where: request.lockFile,
    hint: `Run \`oakum lock ${request.version}\` and commit the result, or leave --locked away.`,
  });
}
