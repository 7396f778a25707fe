// SPDX-License-Identifier: Apache-2.0
// Another reading of govulncheck's JSON than the one under test.

const ORDER = ['required', 'imported', 'called'];

/** Takes what `govulncheck -format json` printed; gives the nearest level of each id in its words for people: called, imported, required. */
export function upstreamLevels(output: string): Readonly<Record<string, string>> {
  const messages = output
    .split(/\n(?=\{\n)/)
    .map((text) => JSON.parse(text) as { finding?: { osv: string; trace: { function?: string; package?: string }[] } });
  const levels: Record<string, string> = {};
  for (const { finding } of messages) {
    if (finding === undefined) continue;
    const [frame] = finding.trace;
    const level = frame?.function === undefined ? (frame?.package === undefined ? 'required' : 'imported') : 'called';
    const known = levels[finding.osv];
    if (known === undefined || ORDER.indexOf(level) > ORDER.indexOf(known)) levels[finding.osv] = level;
  }
  return levels;
}
