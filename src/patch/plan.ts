// SPDX-License-Identifier: Apache-2.0
import { type Platform, reportStep } from '#core';
import type { LockedBase, LockedModule, LockedOverlay, LockedRevision } from '#definition';
import { canonicalJson } from '#formats';
import {
  type FeedReading,
  type Finding,
  mergePackages,
  modulePackage,
  scan,
  type ScanReport,
  type ScanSubject,
  standardLibrary,
} from '#vulnerabilities';
import type { BasePlan } from './base-plan.ts';
import { type OpenComponent, openComponent, planComponent } from './component-plan.ts';
import { digestOfOverlay } from './overlay.ts';
import type { PackageTools } from './packages.ts';
import { openShelf } from './shelf.ts';
import { planToolchain, type ToolchainPlan } from './toolchain-plan.ts';
import type { ComponentPlan, PatchPolicy, PatchTarget, PatchTools } from './types.ts';

/** What to plan a revision of. */
export interface PlanRequest {
  readonly release: string;
  /** The new revision's name and that of the one it follows: `2.9.2-r1`, `2.9.2-r0`. */
  readonly revision: string;
  readonly predecessor: string;
  readonly toolchain: string;
  /** The toolchain as the lock has it, for this machine. */
  readonly lockedToolchain: LockedModule;
  readonly platforms: readonly Platform[];
  readonly targets: readonly PatchTarget[];
  /** Plans of the bases, made side by side with this one. */
  readonly bases: () => Promise<readonly BasePlan[]>;
  readonly policy: PatchPolicy;
  /** The revision that this one follows, where the lock holds it as a patched one. */
  readonly previous?: LockedRevision;
  /** Floors that a build has shown not to work, by component. */
  readonly without?: ReadonlyMap<string, readonly { readonly path: string; readonly reason: string }[]>;
}

/** What a patched revision would change, what it fixes, and what stays and why. */
export interface PatchPlan {
  readonly release: string;
  readonly revision: string;
  readonly predecessor: string;
  readonly toolchain: ToolchainPlan;
  readonly bases: readonly BasePlan[];
  readonly components: readonly ComponentPlan[];
  readonly feeds: readonly FeedReading[];
  /** `nothing`: no finding that can be fixed; `held`: the last revision has all of it; `changes`: there is something to build. */
  readonly verdict: 'nothing' | 'held' | 'changes';
}

/** Plans a revision: what is found in each component, the least changes that fix it, and what stays. Builds and writes nothing. */
export async function planPatch(request: PlanRequest, tools: PatchTools): Promise<PatchPlan> {
  const sources = await tools.sources();
  const bases = request.bases();
  bases.catch(() => {}); // it is awaited below, after what may fail first
  const open = await Promise.all(request.targets.map((target) => openComponent(target, sources)));
  const { reports, feeds } = await scan(
    open.map((one) => subjectOf(one, request.toolchain)),
    { feeds: tools.feeds, now: tools.now },
  );
  const toolchain = await planToolchain(
    {
      present: request.toolchain,
      platforms: request.platforms,
      findings: reports.flatMap((report) => report.findings).filter(isOfGo),
    },
    tools,
  );
  const components = await planComponents(request, { open, reports, toolchain: toolchain.to ?? toolchain.from }, tools);
  const planned = { toolchain, bases: await bases, components };
  const { release, revision, predecessor } = request;
  return { release, revision, predecessor, ...planned, feeds, verdict: judgePlan(planned, request.previous) };
}

/** Says what a plan comes to. It is always a whole, counted from the release: old news where the last revision is the same whole. */
export function judgePlan(
  { toolchain, bases, components }: Pick<PatchPlan, 'toolchain' | 'bases' | 'components'>,
  previous: LockedRevision | undefined,
): PatchPlan['verdict'] {
  const isOf = (component: string, overlay: LockedOverlay | undefined) => {
    const before = previous?.components[component];
    return before === undefined || overlay === undefined
      ? before === overlay
      : digestOfOverlay(before) === digestOfOverlay(overlay);
  };
  const isSame = components.every(({ component, overlay }) => isOf(component, overlay));
  const isPlain = toolchain.to === undefined && bases.every((one) => one.locked === undefined);
  if (isPlain && components.every((one) => one.overlay === undefined)) return 'nothing';
  const holdsRest = bases.every(({ base, locked }) => same(previous?.bases?.[base], locked));
  return isSame && holdsRest && previous?.toolchain === (toolchain.to ?? toolchain.from) ? 'held' : 'changes';
}

function same(a: LockedBase | undefined, b: LockedBase | undefined): boolean {
  return canonicalJson(a ?? null) === canonicalJson(b ?? null);
}

/** Gives what the lock holds of a planned revision; components that were not planned stay as the previous one has them. */
export function toLockedRevision(plan: PatchPlan, previous?: LockedRevision): LockedRevision {
  const planned = new Set([
    'toolchain',
    ...plan.components.map((one) => one.component),
    ...plan.bases.map((one) => one.base),
  ]);
  const others = Object.entries(previous?.components ?? {}).filter(([component]) => !planned.has(component));
  const staying = [
    ...(previous?.staying ?? []).filter((one) => !planned.has(one.component)),
    ...plan.components.flatMap(({ component, staying: list }) => list.map((one) => ({ component, ...one }))),
    ...plan.toolchain.staying.map((one) => ({ component: 'toolchain', ...one })),
    ...plan.bases.flatMap(({ base, staying: list }) => list.map((one) => ({ component: base, ...one }))),
  ];
  const overlays = plan.components.flatMap(({ component, overlay }) =>
    overlay === undefined ? [] : [[component, overlay] as const],
  );
  const bases = plan.bases.flatMap(({ base, locked }) => (locked === undefined ? [] : [[base, locked] as const]));
  return {
    release: plan.release,
    predecessor: plan.predecessor,
    toolchain: plan.toolchain.to ?? plan.toolchain.from,
    components: Object.fromEntries([...others, ...overlays]),
    ...(bases.length === 0 ? {} : { bases: Object.fromEntries(bases) }),
    staying,
  };
}

interface Opened {
  readonly open: readonly OpenComponent[];
  readonly reports: readonly ScanReport[];
  readonly toolchain: string;
}

async function planComponents(
  request: PlanRequest,
  { open, reports, toolchain }: Opened,
  tools: PatchTools,
): Promise<readonly ComponentPlan[]> {
  const sources = await tools.sources();
  const shelf = openShelf(sources);
  const packages: PackageTools = {
    cache: tools.cache,
    sources,
    engine: tools.engine,
    toolchain: async () => {
      const isLocked = toolchain === request.toolchain;
      const options = { verify: true, ...(isLocked ? { zipHash: request.lockedToolchain.zipHash } : {}) };
      return (await sources.toolchain(toolchain, tools.machine.platform, options)).folder;
    },
    signal: tools.signal,
  };
  return Promise.all(
    open.map(async (one, index) => {
      const { component } = one.target;
      const report = reports[index];
      const without = request.without?.get(component);
      const plan = () =>
        planComponent(
          {
            open: one,
            findings: report?.findings.filter((finding) => !isOfGo(finding)) ?? [],
            gaps: report?.gaps ?? [],
            policy: request.policy,
            toolchain,
            platforms: request.platforms,
            shelf,
            packages,
            ...(without === undefined ? {} : { without }),
          },
          tools,
        );
      const names = { subject: component, step: 'plan' };
      return (await reportStep(tools.report, names, async () => ({ value: await plan(), cached: false }))).value;
    }),
  );
}

/** What is in a component: the modules of its compiled program where there is one, else all of go.mod. */
function subjectOf({ target, main }: OpenComponent, toolchain: string): ScanSubject {
  const modules = target.compiled ?? main.require;
  return {
    target: target.component,
    kind: target.compiled === undefined ? 'go.mod' : 'go-binary',
    basis: target.compiled === undefined ? 'go.mod' : 'the compiled program',
    packages: mergePackages([
      ...modules.map(({ path, version }) => modulePackage({ path, version })),
      standardLibrary(toolchain),
      modulePackage({ path: 'toolchain', version: toolchain, scope: 'build' }),
    ]),
    gaps: [],
  };
}

function isOfGo(finding: Finding): boolean {
  return finding.package.name === 'stdlib' || finding.package.name === 'toolchain';
}
