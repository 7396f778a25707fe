// SPDX-License-Identifier: Apache-2.0
import type { SsvcEntry } from '../feeds/feed.ts';
import type { VexJudgement } from '../vex/apply.ts';
import type { VexImage } from '../vex/products.ts';
import type { ScannedSubject } from '../vex/scan-subjects.ts';
import type { ObservedFinding } from './observe.ts';
import type { Risk } from './overlay.ts';
import { toSlaSeverity } from './policy.ts';

/** Gives the product that an image's clocks belong to: its line, channel and component, such as `2.9/distroless/source-controller`. */
export function slaProductOf(image: Pick<VexImage, 'revision' | 'channel' | 'component'>): string {
  const line = image.revision.split('.').slice(0, 2).join('.');
  return `${line}/${image.channel}/${image.component}`;
}

/**
 * Takes a judged finding of a scan, the image it is in and what SSVC says of it; gives what the clock notes of it. The product is the
 * line, channel and component, since a clock goes on from revision to revision.
 */
export function toObservedFinding(
  { finding: subject, state, decidedBy }: VexJudgement<ScannedSubject>,
  image: Pick<VexImage, 'revision' | 'channel' | 'component'>,
  ssvc?: Pick<SsvcEntry, 'automatable' | 'technicalImpact'>,
): ObservedFinding {
  const { id, ids, severity, kev, published, fix } = subject.finding;
  const statement = decidedBy?.statement;
  const disclosed = published === undefined ? undefined : new Date(published);
  return {
    vulnerability: id,
    aliases: ids.filter((name) => name !== id),
    product: slaProductOf(image),
    severity: toSlaSeverity(severity.rating),
    source: severity.by?.source,
    vector: severity.by?.vector,
    risk: { ...(kev === undefined ? {} : { kev: toKev(kev.dueDate) }), ...toPoints(ssvc) },
    disclosed: disclosed === undefined || Number.isNaN(disclosed.getTime()) ? undefined : disclosed,
    fix: fix === undefined ? undefined : { version: fix },
    state,
    reason:
      statement === undefined
        ? undefined
        : (statement.impact_statement ?? statement.action_statement ?? statement.status_notes),
  };
}

function toKev(due: string): NonNullable<Risk['kev']> {
  return /^\d{4}-\d{2}-\d{2}$/.test(due) ? { due } : {};
}

/** SSVC's words (`yes`, `no`; `partial`, `total`); any other is as good as none. */
function toPoints(ssvc: Pick<SsvcEntry, 'automatable' | 'technicalImpact'> | undefined): Risk {
  const automatable = { yes: true, no: false }[ssvc?.automatable.toLowerCase() ?? ''];
  const impact = ssvc?.technicalImpact.toLowerCase();
  return {
    ...(automatable === undefined ? {} : { automatable }),
    ...(impact === 'partial' || impact === 'total' ? { impact } : {}),
  };
}
