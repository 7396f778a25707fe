// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path';
import { type CompiledBinary, type CompiledModule, compileKey, compileOutputs, parseModuleList } from '#build';
import { basesBelow, type Definition, type Lock, type LockedModule } from '#definition';
import {
  type BasePlan,
  type PatchPlan,
  type PatchPolicy,
  type PatchTarget,
  type PlanRequest,
  planBase,
  planPatch,
  readPatchFiles,
} from '#patch';
import { formatRevision, parseRevision } from '#release';
import type { Feeds } from '#vulnerabilities';
import { openBase } from './bases.ts';
import { FactoryError } from './error.ts';
import { toJob } from './prepare.ts';
import type { Selection } from './selection.ts';
import { readText, type Workshop } from './workshop.ts';

/** What to patch. `definitionFile` says where `patches/` is looked for. */
export interface PatchRequest {
  readonly definition: Definition;
  readonly definitionFile: string;
  readonly lock: Lock;
  readonly release: string;
  readonly selection: Selection;
  readonly policy: PatchPolicy;
  /** Modules that are not to be raised, by component, each with the reason; a build has shown that it breaks. */
  readonly without?: PlanRequest['without'];
  /** Whether upstream's unit tests are run before and after; they are, where nothing is said. */
  readonly tests?: boolean;
}

/** Plans the next revision of a release: what its findings need, component by component. Builds and writes nothing. */
export async function planRevision(request: PatchRequest, shop: Workshop, feeds: Feeds): Promise<PatchPlan> {
  const { definition, lock, release, policy } = request;
  const { number, before } = nextRevision(lock, release);
  const predecessor = formatRevision({ release, number: before });
  const previous = lock.revisions?.[predecessor];
  const lockedToolchain = lock.toolchains[definition.toolchain]?.[shop.machine.platform];
  if (lockedToolchain === undefined) throw lacking(definition.toolchain, release);
  const tools = { ...shop, feeds, now: shop.clock.now() };
  const targets = await Promise.all(request.selection.components.map((name) => toTarget(name, request, shop)));
  return planPatch(
    {
      release,
      revision: formatRevision({ release, number }),
      predecessor,
      ...(previous === undefined ? {} : { previous }),
      toolchain: definition.toolchain,
      lockedToolchain,
      platforms: definition.platforms,
      targets,
      bases: () => planBases(request, shop, tools),
      policy,
      ...(request.without === undefined ? {} : { without: request.without }),
    },
    tools,
  );
}

/**
 * The number after the last that the lock holds, `before` (`r0` is the release as upstream made it); one is passed over that another
 * release has used which shares a component's version: the two would share that image's tag, too.
 */
export function nextRevision(lock: Lock, release: string): { readonly number: number; readonly before: number } {
  const versions = (name: string) =>
    Object.entries(lock.releases[name]?.components ?? {}).map(
      ([component, { module }]) => `${component} ${module.version}`,
    );
  const own = new Set(versions(release));
  const known = Object.keys(lock.revisions ?? {}).flatMap((name) => parseRevision(name) ?? []);
  const before = Math.max(0, ...known.flatMap((one) => (one.release === release ? [one.number] : [])));
  const taken = known.filter((one) => versions(one.release).some((version) => own.has(version)));
  let number = before + 1;
  while (taken.some((one) => one.number === number)) number += 1;
  return { number, before };
}

async function toTarget(component: string, request: PatchRequest, shop: Workshop): Promise<PatchTarget> {
  const { definition, definitionFile, lock, release } = request;
  const locked = lock.releases[release]?.components[component];
  if (locked === undefined) throw lacking(component, release);
  const [compiled, patches] = await Promise.all([
    compiledModules(component, request, shop),
    readPatchFiles(dirname(definitionFile), component),
  ]);
  const main = ({ path, version }: LockedModule) => ({ path, version });
  const own = [main(locked.module), ...locked.nested.map(main)];
  const names = new Set(Object.values(definition.components).map((one) => one.module));
  const others = compiled?.filter(({ path }) => !names.has(path)) ?? [];
  return { component, locked, patches, ...(compiled === undefined ? {} : { compiled: [...own, ...others] }) };
}

/** What is in the component's programs, of all platforms that have been compiled; undefined where none has. */
async function compiledModules(
  component: string,
  { definition, lock, release }: PatchRequest,
  shop: Workshop,
): Promise<readonly CompiledModule[] | undefined> {
  const lists = await Promise.all(
    definition.platforms.map(async (platform) => {
      const job = toJob(component, platform, { definition, lock, release, machine: shop.machine.platform });
      const key = compileKey(job.request, shop.isolated);
      const known = await shop.cache.peek<CompiledBinary>(key, compileOutputs);
      return known === undefined ? [] : parseModuleList(await readText(known.modules.digest, shop));
    }),
  );
  const modules = new Map(lists.flat().map((one) => [`${one.path}@${one.version}`, one]));
  return modules.size === 0 ? undefined : [...modules.values()];
}

async function planBases(
  { definition, lock, selection }: PatchRequest,
  shop: Workshop,
  tools: { readonly feeds: Feeds; readonly now: Date },
): Promise<readonly BasePlan[]> {
  const names = basesBelow(definition, selection);
  return Promise.all(
    names.map(async (name) => {
      const base = definition.bases[name];
      const locked = lock.bases[name];
      if (base === undefined || locked === undefined) throw lacking(`base ${name}`, 'the release');
      const target = { name, locked };
      return planBase(target, () => openBase(base, shop).resolve(definition.platforms), tools);
    }),
  );
}

function lacking(what: string, release: string): FactoryError {
  return new FactoryError('LOCK_INCOMPLETE', `the lock lacks ${what}`, { hint: `Run \`oakum lock ${release}\`.` });
}
