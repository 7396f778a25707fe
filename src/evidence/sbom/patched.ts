// SPDX-License-Identifier: Apache-2.0
// How an SBOM tells what a component was before it was patched. What it was is in the image no more, so it is told where no
// reader looks for content: in a pedigree, or in a comment.
import type { Json } from '#formats';
import { modulePurl } from './purls.ts';
import type { SbomComponent } from './types.ts';

/** Gives a component's CycloneDX 1.6 `pedigree`: its source package, or the version it had, or what was laid over it; undefined for what is as upstream has it. */
export function pedigreeOf(component: SbomComponent): Json | undefined {
  const { source, raised, overlay, name } = component;
  const notes = describePatched(component);
  if (source !== undefined)
    return { ancestors: [{ type: 'library', name: source.name, version: source.version, purl: source.purl }] };
  if (overlay !== undefined) {
    const resolves = overlay.findings.map((id) => ({ type: 'security', id }));
    return { patches: [{ type: 'unofficial', ...(resolves.length === 0 ? {} : { resolves }) }], notes };
  }
  if (raised === undefined) return undefined;
  const { version } = raised;
  const ancestors = version === undefined ? [] : [{ type: 'library', name, version, purl: modulePurl(name, version) }];
  return { ...(ancestors.length === 0 ? {} : { ancestors }), notes };
}

/** Says in one sentence what a patched revision made of a component; undefined for what is as upstream has it. */
export function describePatched({ version, raised, overlay }: SbomComponent): string | undefined {
  if (overlay !== undefined) {
    const files = overlay.patches.length === 0 ? '' : `, and patched by ${overlay.patches.join(', ')}`;
    return `patched: the source of ${version} with its go.mod and go.sum edited${files}${reasonOf(overlay.findings)}`;
  }
  if (raised === undefined) return undefined;
  const change = raised.version === undefined ? 'added' : `raised from ${raised.version} to ${version}`;
  return `patched: ${change}${raised.findings.length === 0 ? ', which a fix needs' : reasonOf(raised.findings)}`;
}

function reasonOf(findings: readonly string[]): string {
  return findings.length === 0 ? '' : `, for ${findings.join(', ')}`;
}
