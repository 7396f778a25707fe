// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { removeTree, type StepKey } from '#cache';
import { type Digest, reportStep } from '#core';
import type { Definition, Lock } from '#definition';
import type { Json } from '#formats';
import { localiseKustomization, readObjects } from '#release';
import { invalid, type Kustomize, writeTree } from './kustomize.ts';
import { type Job, openSource } from './prepare.ts';
import type { Workshop } from './workshop.ts';

/** Where manifests come from: flux2 and the components, as they were locked. */
export interface BundleRequest {
  readonly definition: Definition;
  readonly flux: Lock['releases'][string]['flux'];
  /** One job of each component, on whichever platform. */
  readonly jobs: readonly Job[];
  readonly kustomize: Kustomize;
}

/** flux2's manifests, built: what upstream publishes as manifests.tar.gz. */
export type Bundle = {
  /** The blob of each file: `<component>.yaml`, `rbac.yaml`, `policies.yaml`. */
  readonly files: Readonly<Record<string, Digest>>;
  /** Each component's arguments. */
  readonly args: Readonly<Record<string, readonly string[]>>;
};

/** What of flux2's `manifests/` belongs to no component. */
const SHARED = ['rbac', 'policies'];
/** What of a component's `config/` its release files are built from. */
const CONFIGS = ['crd', 'manager'];
const MOST_FILES = 500;

/**
 * Builds flux2's manifests, once per inputs, from proved sources alone: flux2's `manifests/` and the `config/` of each component, which
 * takes the place of the release files that flux2 names by address. Throws `MANIFESTS_INVALID` where those are of other versions.
 */
export async function buildBundle(request: BundleRequest, shop: Workshop): Promise<Bundle> {
  const key = bundleKey(request);
  const { value } = await reportStep(shop.report, { subject: 'manifests', step: 'build' }, () =>
    shop.cache.step<Bundle>(
      key,
      ({ files }) => Object.values(files),
      () => runBundle(request, shop),
    ),
  );
  return value;
}

function bundleKey({ flux, jobs, kustomize }: BundleRequest): StepKey {
  const components = jobs.map(({ component, request: { main, nested, overlay } }) => ({
    component,
    main,
    nested,
    ...(overlay === undefined ? {} : { overlay }),
  }));
  const source = { path: flux.path, version: flux.version, zipHash: flux.zipHash };
  const inputs = { record: 1, flux: source, components, kustomize: kustomize.identity };
  return { name: 'build-manifests', inputs: inputs as unknown as Json };
}

async function runBundle({ flux, jobs, kustomize }: BundleRequest, shop: Workshop): Promise<Bundle> {
  const tree = shop.cache.temporary();
  try {
    const { path } = await (await shop.sources()).module(flux, { verify: true });
    await composeTree({ tree, flux: join(path, 'manifests'), jobs }, shop);
    const files: Record<string, Digest> = {};
    const args: Record<string, readonly string[]> = {};
    for (const name of [...jobs.map(({ component }) => component), ...SHARED]) {
      const at = SHARED.includes(name) ? name : `bases/${name}`;
      const text = await kustomize.build(tree, at, `manifests/${at} of ${flux.path} ${flux.version}`);
      if (!SHARED.includes(name)) args[name] = argsOf(text, name);
      files[`${name}.yaml`] = (await shop.cache.blobs.put(textStream(text))).digest;
    }
    return { files, args };
  } finally {
    await removeTree(tree);
  }
}

/** Gives a text as the stream that the cache takes. */
export async function* textStream(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, 'utf8');
}

async function composeTree(
  { tree, flux, jobs }: { readonly tree: string; readonly flux: string; readonly jobs: readonly Job[] },
  shop: Workshop,
): Promise<void> {
  const versions = Object.fromEntries(jobs.map(({ component, locked }) => [component, locked.module.version]));
  for (const name of SHARED) await writeTree(join(tree, name), await readFolder(join(flux, name)));
  for (const job of jobs) {
    const { component } = job;
    const { 'kustomization.yaml': text, ...base } = await readFolder(join(flux, 'bases', component));
    const where = `manifests/bases/${component}/kustomization.yaml`;
    if (text === undefined) throw invalid('this file is missing', where);
    const localised = localiseKustomization(text, versions, '../../components');
    if ('fault' in localised) throw invalid(localised.fault, where);
    await writeTree(join(tree, 'bases', component), { ...base, 'kustomization.yaml': localised.text });
    const source = await openSource(job, shop);
    for (const config of CONFIGS)
      await writeTree(
        join(tree, 'components', component, config),
        await readFolder(join(source.path, 'config', config)),
      );
  }
}

/** Reads a folder of a proved module: a few plain files of text. */
async function readFolder(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  if (files.length === 0) throw invalid('this folder is missing', folder);
  if (files.length > MOST_FILES) throw invalid(`this folder holds ${files.length} files`, folder);
  const texts = await Promise.all(files.map(async (file) => [relative(folder, file), await readFile(file, 'utf8')]));
  return Object.fromEntries(texts) as Record<string, string>;
}

function argsOf(manifest: string, component: string): readonly string[] {
  const deployments = readObjects(manifest).filter(({ kind }) => kind === 'Deployment');
  const [container, ...others] = deployments.flatMap(({ spec }) => spec?.template?.spec?.containers ?? []);
  if (container === undefined || others.length > 0 || deployments[0]?.metadata.name !== component)
    throw invalid(`it holds no Deployment ${component} with one container`, component);
  return container.args ?? [];
}
