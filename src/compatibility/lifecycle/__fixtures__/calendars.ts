// SPDX-License-Identifier: Apache-2.0
import type { FeedCycle } from '../calendar.ts';
import type { LifecycleSettings, ReadCycles } from '../lifecycle.ts';

/** Settings as a definition without the section has them. */
export const SETTINGS: LifecycleSettings = { lines: 3, kubernetes: 6, warnDays: 90, lts: {}, overrides: [] };

/** Dates as endoflife.date (MIT licence) had them on 2026-08-22: cycle, release, end of standard and of extended support. */
const DATES: Readonly<Record<string, string>> = {
  flux: `2.9 2026-06-30 false
2.8 2026-02-24 false
2.7 2025-09-30 false
2.6 2025-05-29 2026-06-30
2.5 2025-02-20 2026-02-24
2.4 2024-09-30 2025-09-30
2.3 2024-05-13 2025-05-29
2.2 2023-12-12 2025-02-20
2.1 2023-08-24 2024-09-30
2.0 2023-07-05 2024-05-13
1.25 2022-03-30 2022-11-02`,
  kubernetes: `1.36 2026-04-22 2027-06-28
1.35 2025-12-17 2027-02-28
1.34 2025-08-27 2026-10-27
1.33 2025-04-23 2026-06-28
1.32 2024-12-11 2026-02-28
1.31 2024-08-13 2025-11-11
1.30 2024-04-17 2025-07-15
1.29 2023-12-13 2025-02-28
1.28 2023-08-15 2024-10-28
1.27 2023-04-11 2024-06-28`,
  'amazon-eks': `1.36 2026-06-02 2027-08-02 2028-08-02
1.35 2026-01-28 2027-03-27 2028-03-27
1.34 2025-10-06 2026-12-02 2027-12-02
1.33 2025-05-28 2026-07-29 2027-07-29
1.32 2025-01-25 2026-03-23 2027-03-23
1.31 2024-09-26 2025-11-26 2026-11-26
1.30 2024-05-23 2025-07-23 2026-07-23`,
  'azure-kubernetes-service': `1.36 2026-06-30 2027-06-30 2028-06-30
1.35 2026-03-05 2027-03-31 2028-03-31
1.34 2026-01-04 2026-11-30 2027-11-30
1.33 2025-06-17 2026-07-31 2027-07-31
1.32 2025-04-06 2026-03-31 2027-03-31
1.31 2024-10-25 2025-11-01 2026-11-30
1.30 2024-08-05 2025-08-22 2026-07-31`,
  'google-kubernetes-engine': `1.36 2026-06-09 2027-08-09
1.35 2026-02-11 2027-04-11
1.34 2025-09-30 2026-10-01
1.33 2025-06-03 2026-08-03
1.32 2025-02-11 2026-04-11
1.31 2024-10-25 2026-01-16
1.30 2024-07-31 2025-09-30
1.26 2023-03-31 2024-06-30`,
  'red-hat-openshift': `4.22 2026-06-09 2027-12-31
4.21 2025-10-21 2027-08-03
4.20 2025-10-21 2027-04-21
4.19 2025-06-17 2026-12-17
4.18 2025-02-25 2026-08-25 2027-02-25
4.17 2024-10-01 2026-04-01
4.16 2024-06-27 2025-12-27 2026-06-27`,
};

/** The newest patch releases of Kubernetes then. */
const PATCHES: Readonly<Record<string, string>> = { '1.36': '1.36.4', '1.35': '1.35.8', '1.33': '1.33.13' };

/** Gives those cycles in the form the feed has them. */
export const realCycles: ReadCycles = async (product) => {
  const text = DATES[product];
  return text?.split('\n').map((line): FeedCycle => {
    const [cycle = '', released = '', endOfLife = '', extendedSupport] = line.split(' ');
    const latest = product === 'kubernetes' ? PATCHES[cycle] : undefined;
    return {
      cycle,
      released,
      endOfLife: endOfLife === 'false' ? false : endOfLife,
      ...(extendedSupport === undefined ? {} : { extendedSupport }),
      ...(latest === undefined ? {} : { latest }),
    };
  });
};
