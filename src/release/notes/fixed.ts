// SPDX-License-Identifier: Apache-2.0
import { packagesOfBase } from '#definition';
import {
  type FindingsRecord,
  type ImageRecord,
  imagesOf,
  type OpenFinding,
  type ReleaseDocument,
} from '../document.ts';

/** A finding that a revision fixed; severity and package where a scan tells them. */
export interface FixedFinding {
  readonly id: string;
  readonly severity?: string;
  readonly package?: string;
  /** `channel/component`. */
  readonly images: readonly string[];
}

/** What became of findings from one revision to the next. */
export interface FixedReading {
  readonly fixed: readonly FixedFinding[];
  /** No longer open though what they are in did not change: decided since (VEX), or withdrawn. */
  readonly closed: readonly FixedFinding[];
  /** Why that may not be all. */
  readonly unknown?: string;
}

/**
 * Tells what a revision fixed, by two documents: what its overlays say they fix and those of the one before did not, and what was open when
 * the one before was published and no longer was when this was, unless it was found again and decided to be no threat (VEX), or nothing
 * that it lay in changed.
 */
export function fixedBetween(before: ReleaseDocument | undefined, after: ReleaseDocument): FixedReading {
  const overlaid = overlayFindings(after, before);
  if (before === undefined) {
    const predecessor = after.publication?.predecessor;
    const unknown =
      predecessor === undefined ? {} : { unknown: `the document of ${predecessor.revision} is not at hand` };
    return { fixed: overlaid, closed: [], ...unknown };
  }
  const [older, newer] = [scanOf(before), scanOf(after)];
  if (older === undefined || newer === undefined) {
    const unscanned = older === undefined ? before : after;
    return { fixed: overlaid, closed: [], unknown: `${unscanned.revision} was not scanned when it was published` };
  }
  const names = new Set(newer.open.flatMap(({ id, aliases }) => [id, ...aliases]));
  const gone = older.open.filter(({ id, aliases }) => ![id, ...aliases].some((name) => names.has(name)));
  const decided = new Map(newer.closed.map(({ id, state }) => [id, state]));
  const isChanged = changesOf(before, after);
  const isFixed = (finding: OpenFinding) => {
    if (overlaid.some(({ id }) => id === finding.id || finding.aliases.includes(id))) return true;
    const state = decided.get(finding.id);
    return state === undefined ? isChanged(finding) : state === 'fixed';
  };
  const known = new Set(gone.flatMap(({ id, aliases }) => [id, ...aliases]));
  const { fixed = [], closed = [] } = Object.groupBy(gone, (finding) => (isFixed(finding) ? 'fixed' : 'closed'));
  return {
    fixed: inOrder([...fixed.map(toFixed), ...overlaid.filter(({ id }) => !known.has(id))]),
    closed: inOrder(closed.map(toFixed)),
  };
}

type ScanRecord = Extract<FindingsRecord, { kind: 'scanned' }>;

function scanOf({ publication }: ReleaseDocument): ScanRecord | undefined {
  return publication?.findings.kind === 'scanned' ? publication.findings : undefined;
}

function overlayFindings(after: ReleaseDocument, before: ReleaseDocument | undefined): readonly FixedFinding[] {
  const already = new Set(before === undefined ? [] : overlays(before).map(({ id, image }) => `${id} ${image}`));
  const fresh = overlays(after).filter(({ id, image }) => !already.has(`${id} ${image}`));
  return [...Map.groupBy(fresh, ({ id }) => id)].map(([id, list]) => ({ id, images: list.map(({ image }) => image) }));
}

function overlays(document: ReleaseDocument): readonly { readonly id: string; readonly image: string }[] {
  return imagesOf(document).flatMap(([image, { overlay }]) => (overlay?.findings ?? []).map((id) => ({ id, image })));
}

/** Says of a finding whether what it was found in is another in the newer revision: the component, the module, Go, or the base's package. */
function changesOf(before: ReleaseDocument, after: ReleaseDocument): (finding: OpenFinding) => boolean {
  const older = new Map(imagesOf(before));
  const newer = new Map(imagesOf(after));
  const bases = [basePackages(before), basePackages(after)] as const;
  const isOtherGo = before.toolchain.version !== after.toolchain.version;
  return ({ package: name, images }) =>
    (isOtherGo && (name === 'stdlib' || name === 'toolchain')) ||
    [...bases[0]].some((one) => one.startsWith(`${name} `) && !bases[1].has(one)) ||
    images.some((image) => {
      const [old, fresh] = [older.get(image), newer.get(image)];
      return old?.version !== fresh?.version || versionIn(old, name) !== versionIn(fresh, name);
    });
}

function versionIn(image: ImageRecord | undefined, module: string): string | undefined {
  return image?.overlay?.requires.find(({ path }) => path === module)?.to;
}

/** The packages of all bases as `name version`, by their own names and those of their sources, which advisories name. */
function basePackages({ channels }: ReleaseDocument): ReadonlySet<string> {
  const bases = Object.values(channels).flatMap(({ base, images }) => [base, ...images.map((image) => image.base)]);
  const packages = bases.flatMap((base) => (base === undefined ? [] : Object.values(packagesOfBase(base)).flat()));
  return new Set(
    packages.flatMap(({ name, version, source }) => [`${name} ${version}`, `${source.name} ${source.version}`]),
  );
}

function toFixed({ id, severity, package: name, version, images }: OpenFinding): FixedFinding {
  return { id, severity, package: `${name} ${version}`, images };
}

function inOrder(findings: readonly FixedFinding[]): readonly FixedFinding[] {
  return [...findings].sort((a, b) => (a.id < b.id ? -1 : 1));
}
