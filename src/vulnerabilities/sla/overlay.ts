// SPDX-License-Identifier: Apache-2.0
import type { Span } from './span.ts';

/** What is known of the risk of a vulnerability beside its severity (SSVC's decision points, CISA's catalogue). */
export interface Risk {
  /** In CISA's catalogue of known exploited vulnerabilities; `due` is the catalogue's date (YYYY-MM-DD), where it has one. */
  readonly kev?: { readonly due?: string | undefined } | undefined;
  /** Undefined is taken for true: whoever can't prove otherwise must assume it. */
  readonly automatable?: boolean | undefined;
  /** Undefined is taken for total. */
  readonly impact?: 'partial' | 'total' | undefined;
}

/** One row of an overlay: where all that it names is so, the time it sets counts beside the policy's own, and the shorter wins. */
export interface OverlayRow {
  readonly kev?: boolean;
  readonly exposed?: boolean;
  readonly automatable?: boolean;
  readonly impact?: 'partial' | 'total';
  /** `catalogue` is the due date of CISA's catalogue, `none` sets no time. */
  readonly within: Span | 'catalogue' | 'none';
  /** Forensic triage is asked for as well. */
  readonly forensic?: boolean;
}

/** Rows beside a policy, in order; the first that fits counts. */
export interface Overlay {
  readonly name: string;
  readonly rows: readonly OverlayRow[];
}

const days = (amount: number): Span => ({ amount, unit: 'days' });

function row(
  [kev, exposed, automatable]: readonly [boolean, boolean, boolean],
  partial: OverlayRow['within'],
  total: OverlayRow['within'],
  forensic = false,
): readonly OverlayRow[] {
  return [
    { kev, exposed, automatable, impact: 'partial', within: partial },
    { kev, exposed, automatable, impact: 'total', within: total, ...(forensic ? { forensic } : {}) },
  ];
}

/**
 * CISA BOD 26-04 "Prioritizing Security Updates Based on Risk", 2026-06-10: its 16 rows as CERT/CC publishes them (SSVC,
 * `data/csv/cisa/cisa_bod_26_04_1_0_0.csv`). "Fix on system upgrade" sets no time.
 */
export const BOD_26_04: Overlay = {
  name: 'bod-26-04',
  rows: [
    ...row([false, false, false], 'none', 'none'),
    ...row([false, true, false], days(60), days(14)),
    ...row([false, false, true], days(60), days(60)),
    ...row([false, true, true], days(14), days(3)),
    ...row([true, false, false], days(14), days(14)),
    ...row([true, true, false], days(14), days(3), true),
    ...row([true, false, true], days(14), days(3), true),
    ...row([true, true, true], days(3), days(3), true),
  ],
};

/** What is known to be exploited is due by the date in CISA's catalogue, or in 14 days where it names none. */
export const KEV: Overlay = { name: 'kev', rows: [{ kev: true, within: 'catalogue' }] };

/** The overlays a policy may name. */
export const OVERLAYS = { kev: KEV, 'bod-26-04': BOD_26_04 } as const;

/** Gives the first row of an overlay that fits; what is not known is taken at its worst. */
export function rowFor(overlay: Overlay, risk: Risk, exposed: boolean): OverlayRow | undefined {
  const { kev, automatable = true, impact = 'total' } = risk;
  return overlay.rows.find(
    (one) =>
      (one.kev ?? kev !== undefined) === (kev !== undefined) &&
      (one.exposed ?? exposed) === exposed &&
      (one.automatable ?? automatable) === automatable &&
      (one.impact ?? impact) === impact,
  );
}
