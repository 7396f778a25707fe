// SPDX-License-Identifier: Apache-2.0
import { answer, type Lifecycle } from '#compatibility';
import type { CheckRequest, KubernetesSupport, OpenVulnerability } from '#consumers';
import { OakumError } from '#core';
import type { ReleaseDocument } from '#release';
import { hasStore } from '#store';
import { openFeedsQuickly } from './feed-ages.ts';
import { type JudgedFinding, readJudgedStore } from './judged-findings.ts';
import { openLifecycle } from './lifecycle.ts';
import { loadDefinition } from './shop.ts';
import { storeOptions } from './store.ts';
import type { VexFlags } from './vex-decisions.ts';
import type { World } from './world.ts';

const DAY = 86_400_000;

/** What is known now beyond what release documents say, and what could not be asked. */
export interface CheckKnowledge extends Pick<CheckRequest, 'vulnerabilities' | 'support'> {
  readonly notes: readonly string[];
}

/** Gathers what the store knows of open findings and their clocks, and what the calendars say of Kubernetes, where they are at hand. */
export async function openKnowledge(
  flags: VexFlags,
  documents: readonly ReleaseDocument[],
  world: World,
): Promise<CheckKnowledge> {
  const [vulnerabilities, support] = await Promise.all([
    openVulnerabilities(flags, documents, world),
    openSupport(flags, world),
  ]);
  return {
    ...('note' in vulnerabilities ? {} : vulnerabilities),
    ...('note' in support ? {} : support),
    notes: [vulnerabilities, support].flatMap((one) => ('note' in one ? [one.note] : one.notes)),
  };
}

interface Note {
  readonly note: string;
}

type Known<K extends 'vulnerabilities' | 'support'> = Required<Pick<CheckRequest, K>> & {
  readonly notes: readonly string[];
};

async function openVulnerabilities(
  flags: VexFlags,
  documents: readonly ReleaseDocument[],
  world: World,
): Promise<Known<'vulnerabilities'> | Note> {
  if (!(await hasStore(storeOptions(world))))
    return { note: 'Nothing was scanned on this machine: open vulnerabilities are those of the release documents.' };
  const feeds = await openFeedsQuickly(flags.definition, world);
  const judged = await readJudgedStore({ allRevisions: true }, { flags, feeds, world });
  const byImage = new Map<string, Map<string, OpenVulnerability>>();
  for (const { index } of judged.reports.flatMap(({ image }) => image ?? [])) byImage.set(index, new Map());
  for (const found of judged.findings) {
    if (found.state !== 'open' && found.state !== 'under_investigation') continue;
    byImage
      .get(found.report.image?.index ?? '')
      ?.set(`${found.finding.id} ${found.finding.package.name}`, toOpen(found));
  }
  const unseen = documents.filter(({ channels }) =>
    Object.values(channels).some(({ images }) => images.some(({ digest }) => !byImage.has(digest))),
  );
  return {
    vulnerabilities: ({ digest }) => {
      const known = byImage.get(digest);
      return known === undefined ? undefined : [...known.values()];
    },
    notes: [
      ...(judged.clockFault === undefined ? [] : [`SLA clocks are not shown: ${judged.clockFault}`]),
      ...(unseen.length === 0
        ? []
        : [
            `Not all images were scanned here (${unseen.map(({ revision }) => revision).join(', ')}): of those the release documents tell.`,
          ]),
    ],
  };
}

function toOpen({ finding, clock }: JudgedFinding): OpenVulnerability {
  return {
    id: finding.id,
    severity: finding.severity.rating,
    package: finding.package.name,
    fix: finding.fix,
    clock: clock === undefined ? undefined : { state: clock.state, dueAt: clock.dueAt?.toISOString() },
  };
}

async function openSupport(flags: VexFlags, world: World): Promise<Known<'support'> | Note> {
  try {
    const loaded = await loadDefinition(flags, world);
    const { lifecycle, faults } = await openLifecycle(loaded, world);
    const { warnDays } = loaded.read.definition.lifecycle;
    return {
      support: (line, minor) => supportOf(line, minor, { lifecycle, warnDays, now: world.clock.now() }),
      notes: faults,
    };
  } catch (error) {
    if (!(error instanceof OakumError) || error.code !== 'CALENDAR_MISSING') throw error;
    return {
      note: 'No calendar is on this machine (`oakum feeds update --feed endoflife`): support is what the release documents say.',
    };
  }
}

interface Calendars {
  readonly lifecycle: Lifecycle;
  readonly warnDays: number;
  readonly now: Date;
}

function supportOf(
  line: string,
  minor: string,
  { lifecycle, warnDays, now }: Calendars,
): KubernetesSupport | undefined {
  const window = lifecycle.lines.find((one) => one.line === line);
  if (window === undefined) return undefined;
  if (window.state === 'ended')
    return {
      state: 'unsupported',
      words: `line ${line} is supported no more${window.until === undefined ? '' : `, since ${window.until}`}`,
    };
  const fits = fitsOf(minor, { lifecycle, now });
  const fit = fits?.find((one) => one.line === line);
  if (fit === undefined)
    return {
      state: 'unsupported',
      words: `line ${line} is for Kubernetes ${window.kubernetes.join(', ')}, not for ${minor}`,
    };
  const until = fit.until === undefined ? 'with no end known' : `until ${fit.until}`;
  const isEnding = fit.until !== undefined && Date.parse(fit.until) - now.getTime() < warnDays * DAY;
  return { state: isEnding ? 'ending' : 'supported', words: `line ${line} on Kubernetes ${minor}, ${until}` };
}

/** Undefined for a minor that no calendar has. */
function fitsOf(minor: string, { lifecycle, now }: Pick<Calendars, 'lifecycle' | 'now'>) {
  try {
    return answer(lifecycle, { kubernetes: minor, channels: [], cells: [], revisionOf: () => undefined, now });
  } catch (error) {
    if (error instanceof OakumError && error.code === 'MINOR_UNKNOWN') return undefined;
    throw error;
  }
}
