// SPDX-License-Identifier: Apache-2.0
import { describeEvidence, type Fit, type LineWindow, PRODUCT_FACTS, type Provider, PROVIDERS } from '#compatibility';
import { markdownCode, markdownTable, markdownText } from '#formats';
import type { NotesRequest } from './request.ts';

/** Gives the section on what the line runs on: Kubernetes, OpenShift, what else providers support, until when, and what was tested. */
export function supportSection({ window, fits, today, newestEntry }: NotesRequest): string {
  const rows = [
    ['Kubernetes', listed(window.kubernetes)],
    ['OpenShift', listed(cyclesOf(fits, 'openshift'))],
  ];
  return [
    `## Supported Kubernetes Versions\n\nOn ${today}, by calendars that know what came out until ${newestEntry ?? 'then'}: this line is ${describeWindow(window)}.\n`,
    markdownTable(['Distribution', 'Versions'], rows),
    providerTable(fits),
    evidenceTable(fits),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function listed(minors: readonly string[]): string {
  return minors.length === 0 ? 'none' : minors.join(' <br>');
}

/** What a provider has, oldest first. */
function cyclesOf(fits: readonly Fit[], provider: Provider): readonly string[] {
  const found = fits.flatMap(({ providers }) => providers.filter((one) => one.provider === provider));
  return [...new Set(found.map(({ cycle }) => cycle))].reverse();
}

function describeWindow({ state, until, endsWith, lts }: LineWindow): string {
  if (state === 'ended') return `no longer supported, since ${until ?? 'an unknown day'}`;
  if (state === 'lts') return `in long-term support until ${lts ?? until ?? 'an unknown day'}`;
  if (state === 'upcoming') return 'not out yet';
  const usual = until === undefined ? `until v${endsWith ?? '?'} is out` : `until ${until}`;
  return `supported ${usual}${lts === undefined ? '' : `, and for long-term support until ${lts}`}`;
}

/** Providers' own calendars, for the minors that fit. */
function providerTable(fits: readonly Fit[]): string {
  const shown = PROVIDERS.map((provider) => {
    const found = fits.flatMap(({ providers }) => providers.filter((one) => one.provider === provider));
    const cells = found.map(
      ({ cycle, stage, until, isByRule }) =>
        `${cycle} until ${isByRule === true ? 'about ' : ''}${until ?? 'an open day'}, now in ${stage} support`,
    );
    return [PRODUCT_FACTS[provider].title, listed([...new Set(cells)].reverse())];
  });
  return fits.length === 0
    ? ''
    : `### Provider Calendars\n\n${markdownTable(['Provider', 'Versions and last days'], shown)}`;
}

function evidenceTable(fits: readonly Fit[]): string {
  const channels = fits[0]?.evidence.map(({ channel }) => channel) ?? [];
  if (channels.length === 0) return '';
  const rows = [...fits].reverse().map(({ kubernetes, evidence }) => [
    kubernetes,
    ...evidence.map((one) => {
      const digest = one.cell === undefined ? '' : `<br>${markdownCode(one.cell.digest)}`;
      return `${markdownText(describeEvidence(one))}${digest}`;
    }),
  ]);
  return `### Tests\n\nVerdicts of the real controllers on real API servers, and the digests of the signed statements:\n\n${markdownTable(['Kubernetes', ...channels.map(markdownText)], rows)}`;
}
