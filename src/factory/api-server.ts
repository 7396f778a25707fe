// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { digestOf, reportStep } from '#core';
import type { Definition, Lock, LockedApiServer } from '#definition';
import { compareModuleVersions, editGoMod, mergeGoSum, type ModuleVersion, parseGoMod, prereleaseOf } from '#formats';
import { type DerivedSource, type ProvedModule, replaceInSource, type Sources, SourcesError } from '#sources';
import { FactoryError } from './error.ts';
import { compileProgram, lacking, type Program } from './tool.ts';
import type { Workshop } from './workshop.ts';

/** What {@link lockApiServer} brings a lock up to. */
export interface ApiServerLockRequest {
  readonly definition: Definition;
  readonly lock: Lock;
  readonly lockFile: string;
  /** A minor, `1.36`: as locked, else its newest patch; or a version, `1.36.3`. */
  readonly kubernetes: string;
  /** Refuse any change of the lock instead of making it. */
  readonly locked: boolean;
  /** Take the newest patch of a minor although the lock holds one. */
  readonly refresh: boolean;
}

/** A lock that holds the source of an API server. */
export interface ApiServerLock {
  readonly lock: Lock;
  readonly changed: boolean;
  /** `1.36`. */
  readonly minor: string;
}

/** The module that Kubernetes is, and what its build says beside Go's own constraints (hack/lib/golang.sh). */
const KUBERNETES = 'k8s.io/kubernetes';
const TAGS = ['selinux', 'notest', 'grpcnotrace'] as const;
const PROVED_AT_ONCE = 8;
/** Why a patch can't be built here, and an older one may. */
const NOT_SERVED: readonly string[] = ['MODULE_NOT_SERVED', 'VERSION_UNKNOWN'] satisfies SourcesError['code'][];

/** Gives the newest Kubernetes minors that the proxies list a release of, oldest first: `1.32`. */
export async function servedMinors(count: number, shop: Workshop): Promise<readonly string[]> {
  const versions = await (await shop.sources()).versions(KUBERNETES);
  const released = versions.filter((version) => prereleaseOf(version) === '').sort(compareModuleVersions);
  const minors = new Set(released.flatMap((version) => /^v(\d+\.\d+)\./.exec(version)?.[1] ?? []));
  if (minors.size > 0) return [...minors].slice(-count);
  throw unknownKubernetes('of any minor', 'is listed by no Go module proxy', 'Name versions: --kubernetes 1.36.3.');
}

/** Gives the newest patch of a Kubernetes minor that the proxies list, as `v1.36.3`; undefined where they list none. */
export async function newestPatch(minor: string, shop: Workshop): Promise<string | undefined> {
  return (await patchesOf(minor, shop))[0];
}

/** Newest first. */
async function patchesOf(minor: string, shop: Workshop): Promise<readonly string[]> {
  const versions = await (await shop.sources()).versions(KUBERNETES);
  return versions
    .filter((version) => version.startsWith(`v${minor}.`) && prereleaseOf(version) === '')
    .sort(compareModuleVersions)
    .reverse();
}

/**
 * Resolves what the lock lacks of an API server: the module `k8s.io/kubernetes` with its proof, and the hash over the source
 * that is compiled. Throws `LOCK_INCOMPLETE` where `locked` forbids that, `KUBERNETES_UNKNOWN`, and `STAGING_UNPROVED` naming
 * every module that the checksum database lacks and no exemption names.
 */
export async function lockApiServer(request: ApiServerLockRequest, shop: Workshop): Promise<ApiServerLock> {
  const { lock, lockFile, kubernetes, locked, refresh } = request;
  const [, minor, patch] = /^v?(1\.\d{1,3})(\.\d{1,3})?$/.exec(kubernetes) ?? [];
  if (minor === undefined) throw unknownKubernetes(kubernetes, 'is no Kubernetes version', 'Write 1.36 or 1.36.3.');
  const known = lock.kubernetes?.[minor];
  if (known !== undefined && !refresh && (patch === undefined || known.module.version === `v${minor}${patch}`))
    return { lock, changed: false, minor };
  if (locked)
    throw new FactoryError('LOCK_INCOMPLETE', `the lock lacks Kubernetes ${kubernetes}`, {
      where: lockFile,
      hint: 'Leave --locked away once, and commit the lock.',
    });
  const names = { subject: `kubernetes ${minor}`, step: 'resolve' };
  const { value } = await reportStep(shop.report, names, async () => {
    const versions = patch === undefined ? await patchesOf(minor, shop) : [`v${minor}${patch}`];
    return { value: await resolveNewest(minor, versions, shop), cached: false };
  });
  return { lock: { ...lock, kubernetes: { ...lock.kubernetes, [minor]: value } }, changed: true, minor };
}

/**
 * Gives the kube-apiserver of a locked minor: compiled for this machine by the definition's toolchain in the sandbox, once per
 * inputs. Throws `LOCK_INCOMPLETE`, and what sources and build throw.
 */
export async function openApiServer(
  minor: string,
  { definition, lock }: { readonly definition: Definition; readonly lock: Lock },
  shop: Workshop,
): Promise<Program> {
  const locked = lock.kubernetes?.[minor];
  if (locked === undefined) throw lacking(`Kubernetes ${minor}`);
  const { path, version, zipHash } = locked.module;
  return compileProgram(
    'kube-apiserver',
    {
      subject: `kube-apiserver ${version}`,
      compile: {
        main: { path, version, zipHash },
        package: './cmd/kube-apiserver',
        tags: TAGS,
        variables: versionVariables(locked),
        overlay: digestOf(locked.treeHash), // the edits of go.mod and go.sum, known by what comes of them
      },
      compose: (sources) => composeApiServer(locked.module, sources, locked.treeHash),
    },
    { definition, lock },
    shop,
  );
}

/** Resolves the first version of which the proxies serve all that it is built from; says what was passed over. */
async function resolveNewest(minor: string, versions: readonly string[], shop: Workshop): Promise<LockedApiServer> {
  let refusal: SourcesError | undefined;
  const passedOver: string[] = [];
  for (const version of versions) {
    try {
      const resolved = await resolveApiServer({ path: KUBERNETES, version }, shop);
      return passedOver.length === 0 ? resolved : { ...resolved, passedOver };
    } catch (error) {
      if (!(error instanceof SourcesError && NOT_SERVED.includes(error.code))) throw error;
      refusal ??= error;
      passedOver.push(version);
      if (versions.length > 1)
        shop.report({ kind: 'note', message: `Kubernetes ${version} passed over: ${error.message}` });
    }
  }
  throw (
    refusal ??
    unknownKubernetes(minor, 'has no version that the Go module proxy lists', 'Name one with its patch, like 1.36.3.')
  );
}

async function resolveApiServer(module: ModuleVersion, shop: Workshop): Promise<LockedApiServer> {
  const sources = await shop.sources();
  const { path, version, zipHash, modHash, proof } = await sources.prove(module);
  const [{ time, origin }, { treeHash }] = await Promise.all([
    sources.info(module),
    composeApiServer({ path, version, zipHash }, sources),
  ]);
  return {
    module: { path, version, zipHash, modHash, proof },
    time: time.toISOString(),
    treeHash,
    ...(origin === undefined ? {} : { origin }),
  };
}

/**
 * Gives the source of Kubernetes as it builds from modules alone: its zip lacks the folders below `staging/` that go.mod replaces
 * modules by, and each of them is published as a module of its own, 1.36.3's as v0.36.3. So go.mod requires those, and go.sum
 * names their proved hashes; everything else that it names is vouched for by the proved zip.
 */
async function composeApiServer(
  main: ModuleVersion & { readonly zipHash: string },
  sources: Sources,
  treeHash?: string,
): Promise<DerivedSource> {
  const [composed, goMod] = await Promise.all([sources.compose(main, []), sources.goMod(main)]);
  const { require, replace } = parseGoMod(goMod);
  const staged = replace.flatMap(({ path, target }) =>
    target.kind === 'folder' && target.folder.startsWith('./staging/') ? [path] : [],
  );
  const isSample = (path: string) => path.startsWith('k8s.io/sample-'); // nothing imports them, and not all are published
  const required = staged.filter((path) => !isSample(path) && require.some((one) => one.path === path));
  const version = main.version.replace(/^v1\./, 'v0.');
  const modules = await proveAll(
    required.map((path) => ({ path, version })),
    sources,
  );
  for (const module of modules) await sources.module(module); // not all that is proved is served
  const sums = modules.flatMap(({ path, zipHash, modHash }) => [
    `${path} ${version} ${zipHash}`,
    `${path} ${version}/go.mod ${modHash}`,
  ]);
  return sources.derive(composed.path, {
    inputs: { main: { path: main.path, version: main.version, zipHash: main.zipHash }, sums },
    ...(treeHash === undefined ? {} : { treeHash }),
    async apply(folder) {
      const [mod, sum] = [join(folder, 'go.mod'), join(folder, 'go.sum')];
      const edit = {
        require: modules.map(({ path }) => ({ path, version, indirect: false })),
        dropReplace: staged,
        dropRequire: staged.filter(isSample),
      };
      await replaceInSource(mod, editGoMod(await readFile(mod, 'utf8'), edit));
      await replaceInSource(sum, mergeGoSum(await readFile(sum, 'utf8'), sums));
    },
  });
}

/** Proves modules; says of all at once which the database lacks, so that nobody exempts them one run after the other. */
async function proveAll(modules: readonly ModuleVersion[], sources: Sources): Promise<readonly ProvedModule[]> {
  const limit = pLimit(PROVED_AT_ONCE);
  const settled = await Promise.allSettled(modules.map((module) => limit(() => sources.prove(module))));
  const lacking: string[] = [];
  for (const [index, one] of settled.entries()) {
    if (one.status === 'fulfilled') continue;
    const error: unknown = one.reason;
    if (!(error instanceof SourcesError && error.code === 'DATABASE_LACKS_MODULE')) throw error;
    lacking.push(`${modules[index]?.path}@${modules[index]?.version}`);
  }
  if (lacking.length > 0)
    throw new FactoryError(
      'STAGING_UNPROVED',
      `the checksum database does not know ${lacking.length} of the modules that this Kubernetes is built from: ${lacking.join(', ')}`,
      {
        hint: 'Choose a patch that it knows, or, if you trust what the proxy serves, name each of them under `sources.exemptions` in the definition.',
      },
    );
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

/** What `kubectl version` shows, as hack/lib/version.sh sets it. */
function versionVariables({ module, time, origin }: LockedApiServer): Readonly<Record<string, string>> {
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)\./.exec(module.version) ?? [];
  const values = {
    gitVersion: module.version,
    gitMajor: major,
    gitMinor: minor,
    gitCommit: origin?.commit ?? 'unknown',
    gitTreeState: 'archive',
    buildDate: time,
  };
  return Object.fromEntries(
    ['k8s.io/client-go/pkg/version', 'k8s.io/component-base/version'].flatMap((name) =>
      Object.entries(values).map(([key, value]) => [`${name}.${key}`, value]),
    ),
  );
}

function unknownKubernetes(version: string, why: string, hint: string): FactoryError {
  return new FactoryError('KUBERNETES_UNKNOWN', `Kubernetes ${version} ${why}`, { hint });
}
