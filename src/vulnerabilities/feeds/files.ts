// SPDX-License-Identifier: Apache-2.0
// Names that reading and updating share; apart from both, so that reading loads no schema library.

/** The file of a KEV snapshot: entries by CVE. */
export const KEV_FILE = 'kev.json';

/** The file of an EPSS snapshot: see epss-table.ts. */
export const EPSS_FILE = 'epss.bin';

/** The file of an endoflife.date snapshot: cycles by product. */
export const ENDOFLIFE_FILE = 'endoflife.json';

/** The set of lines of an SSVC snapshot. */
export const SSVC_LINES = 'ssvc';

/** Gives the key under which a CVE's SSVC entry is found: as in CISA's folders, a thousand numbers together. */
export function ssvcBucket(cve: string): string {
  return cve.replace(/\d{3}$/, 'xxx');
}
