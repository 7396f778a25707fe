// SPDX-License-Identifier: Apache-2.0
import { formatPurl } from '#formats';
import type { Finding } from '../match/finding.ts';
import type { ScanReport } from '../scan.ts';
import type { VexSubject } from './apply.ts';
import type { VexImage } from './products.ts';

/** A finding of a scan as VEX looks at it; the finding itself goes along. */
export type ScannedSubject = VexSubject & { readonly finding: Finding; readonly target: string };

/** The parts of a scan's report that say what was scanned and found. */
export type ScannedTarget = Pick<ScanReport, 'target' | 'digest' | 'platform' | 'findings'>;

/**
 * Takes the report on one target and the images that are known; gives its findings in what is in the target, for `applyVex`. The
 * image is told by the digest of its platform manifest; a target that is no known image is judged by its packages alone.
 */
export function toVexSubjects(report: ScannedTarget, images: readonly VexImage[]): readonly ScannedSubject[] {
  const { target, digest, platform } = report;
  const image = images.find(({ platforms }) => platforms.some((one) => one.digest === digest));
  const digests = [digest, image?.index].filter((one) => one !== undefined);
  return report.findings
    .filter((finding) => finding.package.scope === 'image')
    .map((finding) => ({
      id: finding.id,
      ids: finding.ids,
      purls: purlsOf(finding),
      component: image?.component,
      digests,
      platform,
      finding,
      target,
    }));
}

/** The packages as the target names them; where it names none, the package as the advisory does. */
function purlsOf({ occurrences, package: found }: Finding): readonly string[] {
  const named = occurrences.flatMap(({ purl }) => purl ?? []);
  if (named.length > 0) return [...new Set(named)];
  const slash = found.name.lastIndexOf('/');
  const [namespace, name] = [found.name.slice(0, Math.max(slash, 0)), found.name.slice(slash + 1)];
  const types: Readonly<Record<string, string>> = { Go: 'golang', Debian: 'deb', Alpine: 'apk' };
  const [ecosystem = ''] = found.ecosystem.split(':', 1);
  const type = types[ecosystem];
  if (type === undefined) return [];
  const space = type === 'golang' ? namespace : ecosystem.toLowerCase();
  return [formatPurl({ type, namespace: space, name, version: found.version })];
}
