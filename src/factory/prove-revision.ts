// SPDX-License-Identifier: Apache-2.0
import { BuildError } from '#build';
import type { Definition, Lock, LockedOverlay } from '#definition';
import { type ComponentPlan, judgePlan, keepWhatWorks, type PatchPlan, toLockedRevision } from '#patch';
import type { Feeds } from '#vulnerabilities';
import { readComplaint } from './compile-complaint.ts';
import { completeLock } from './complete-lock.ts';
import { openCompiles } from './images.ts';
import { type PatchRequest, planRevision } from './patch.ts';
import { openSource, toJob } from './prepare.ts';
import { testFault, testOverlay } from './test-overlay.ts';
import type { Workshop } from './workshop.ts';

/** A planned revision whose every component compiles, and the lock that holds it; undefined where there is nothing to patch. */
export interface ProvedRevision {
  readonly plan: PatchPlan;
  readonly lock?: Lock;
}

/** How a fault begins, after `its fix`: where the compiler complains, and where a test of upstream does. */
const DOES_NOT_BUILD = 'does not build';
const BREAKS_A_TEST = 'breaks a test';

/** Says whether a finding stays for the reason that its fix was tried and does not work. */
export function wasTried(reason: string): boolean {
  return [DOES_NOT_BUILD, BREAKS_A_TEST].some((fault) => reason.startsWith(`its fix ${fault}`));
}

/** One component's overlay to be compiled. */
interface Trial {
  readonly request: PatchRequest;
  readonly definition: Definition;
  readonly lock: Lock;
  readonly component: string;
}

/**
 * Plans a revision, compiles every patched component for all platforms of the selection, and gives the lock with the revision in
 * it. Where a component does not compile, the changes that break it are found by halves and left out; their findings stay,
 * with what the compiler or the test said. Throws `COMPILE_FAILED` where it does not compile without them either.
 */
export async function proveRevision(request: PatchRequest, shop: Workshop, feeds: Feeds): Promise<ProvedRevision> {
  const first = await planRevision(request, shop, feeds);
  if (first.verdict !== 'changes') return { plan: first };
  const toolchain = first.toolchain.to ?? first.toolchain.from;
  const definition = { ...request.definition, toolchain };
  const completed = await completeLock(
    { definition, lock: request.lock, lockFile: request.definitionFile, version: request.release, locked: false },
    shop,
  );
  const { lock } = completed;
  const components: ComponentPlan[] = [];
  for (const plan of first.components) {
    const trial = { request, definition, lock, component: plan.component };
    components.push(plan.overlay === undefined ? plan : await proveComponent(plan, trial, shop, feeds));
  }
  const previous = lock.revisions?.[first.predecessor];
  const plan = { ...first, components, verdict: judgePlan({ ...first, components }, previous) };
  if (plan.verdict !== 'changes') return { plan };
  const revisions = { ...lock.revisions, [plan.revision]: toLockedRevision(plan, previous) };
  return { plan, lock: { ...lock, revisions } };
}

async function proveComponent(plan: ComponentPlan, trial: Trial, shop: Workshop, feeds: Feeds): Promise<ComponentPlan> {
  const fault = await buildFault(plan.overlay, trial, shop);
  if (fault === undefined) return withTreeHash(plan, trial, shop);
  const floors = plan.changes.filter((one) => one.findings.length > 0).map((one) => one.path);
  const planWith = async (dropped: readonly { readonly path: string; readonly reason: string }[]) => {
    const { component, request } = trial;
    const selection = { ...request.selection, channels: [], components: [component] };
    const without = new Map([[component, dropped]]);
    return (await planRevision({ ...request, selection, without }, shop, feeds)).components[0] ?? plan;
  };
  const { dropped } = await keepWhatWorks(
    floors,
    async (paths) => {
      const left = floors.filter((path) => !paths.includes(path)).map((path) => ({ path, reason: 'tried without' }));
      return buildFault((await planWith(left)).overlay, trial, shop);
    },
    fault,
  );
  const final = await planWith(dropped.map(({ item, fault: why }) => ({ path: item, reason: `its fix ${why}` })));
  const still = await buildFault(final.overlay, trial, shop);
  if (still !== undefined)
    throw new BuildError('COMPILE_FAILED', `the patched source ${still}`, {
      where: trial.component,
      hint: 'That is so without any raised version: look at the patch files, and at what the toolchain changed.',
    });
  return withTreeHash(final, trial, shop);
}

/** Compiles a component with an overlay and tests it; gives what it does wrong: what the compiler said first, or the first test that it breaks. */
async function buildFault(
  overlay: LockedOverlay | undefined,
  trial: Trial,
  shop: Workshop,
): Promise<string | undefined> {
  const fault = await compileFault(overlay, trial, shop);
  if (fault !== undefined) return fault;
  return overlay === undefined || trial.request.tests === false ? undefined : brokenTests(overlay, trial, shop);
}

/**
 * A complaint of the compiler about a line counts at once. Any other failure may be that of a busy machine: it counts where it comes
 * twice, and throws where it is the machine's then.
 */
async function compileFault(
  overlay: LockedOverlay | undefined,
  trial: Trial,
  shop: Workshop,
  isAgain = false,
): Promise<string | undefined> {
  const { request, definition } = trial;
  const compile = openCompiles({ definition, selection: request.selection }, shop);
  try {
    for (const platform of request.selection.platforms) await compile(jobOf(overlay, trial, platform, shop));
    return undefined;
  } catch (error) {
    if (!(error instanceof BuildError && error.code === 'COMPILE_FAILED')) throw error;
    const { about, said } = readComplaint(error.message);
    if (about !== 'source' && !isAgain) return compileFault(overlay, trial, shop, true);
    if (about === 'machine') throw error;
    return `${DOES_NOT_BUILD}: ${said}`;
  }
}

/** Runs upstream's unit tests without and with the overlay; gives what fails with it and passed without. */
async function brokenTests(overlay: LockedOverlay, trial: Trial, shop: Workshop): Promise<string | undefined> {
  const { component, request, definition, lock } = trial;
  const compared = await testOverlay({ component, release: request.release, definition, lock, overlay }, shop);
  for (const { path, needs } of compared.after.leftOut)
    shop.report({ kind: 'note', message: `${component}: tests of ${path} are left out: they need ${needs}` });
  const fault = testFault(compared);
  return fault === undefined ? undefined : `${BREAKS_A_TEST}: ${fault}`;
}

/** The hash of the patched source goes into the lock, so that a later run knows what it must get. */
async function withTreeHash(plan: ComponentPlan, trial: Trial, shop: Workshop): Promise<ComponentPlan> {
  const [platform] = trial.request.selection.platforms;
  if (plan.overlay === undefined || platform === undefined) return plan;
  const { treeHash } = await openSource(jobOf(plan.overlay, trial, platform, shop), shop);
  return treeHash === undefined ? plan : { ...plan, overlay: { ...plan.overlay, treeHash } };
}

function jobOf(
  overlay: LockedOverlay | undefined,
  { request, definition, lock, component }: Trial,
  platform: PatchRequest['selection']['platforms'][number],
  shop: Workshop,
) {
  const overlays = overlay === undefined ? {} : { [component]: overlay };
  return toJob(component, platform, {
    definition,
    lock,
    release: request.release,
    machine: shop.machine.platform,
    overlays,
  });
}
