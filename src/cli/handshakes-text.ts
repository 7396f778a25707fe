// SPDX-License-Identifier: Apache-2.0
import type { HandshakesRecord } from '#factory';
import { formatTable } from './format.ts';

/** Shows what controllers took and refused, one column for each channel; then what is not as it should be, and what they say themselves. */
export function formatHandshakes(records: readonly HandshakesRecord[]): string {
  const offers = new Map(records.flatMap(({ handshakes }) => handshakes.map((one) => [keyOf(one), one] as const)));
  const rows = [...offers].map(([key, { protocol, aspect, name }]) => [
    protocol,
    aspect,
    name,
    ...records.map(({ handshakes }) => {
      const found = handshakes.find((one) => keyOf(one) === key);
      return found === undefined ? '' : `${found.seen}${found.seen === found.expected ? '' : ' (!)'}`;
    }),
  ]);
  const header = ['', 'WHAT', 'OFFERED ALONE', ...records.map(({ channel, crypto }) => `${channel} (${crypto})`)];
  return [...(rows.length === 0 ? [] : [formatTable(header, rows)]), ...records.map(describe)].join('\n');
}

function keyOf({ protocol, aspect, name }: HandshakesRecord['handshakes'][number]): string {
  return [protocol, aspect, name].join('\n');
}

function describe({ channel, verdict, component, versions, handshakes, steps }: HandshakesRecord): string {
  const wrong = handshakes.filter(({ seen, expected }) => seen !== expected);
  return [
    `${channel}: ${verdict}, ${handshakes.length - wrong.length} of ${handshakes.length} as they should be (${component} ${versions[component] ?? ''})`,
    ...wrong.map(
      ({ protocol, aspect, name, expected, seen, detail }) =>
        `  ! ${protocol} ${aspect} ${name}: must be ${expected}, is ${seen}: ${detail}`,
    ),
    ...steps
      .filter((step) => step.verdict === 'failed')
      .map(({ name, detail = '' }) => `  ! ${name}: ${detail.replaceAll('\n', '\n    ')}`),
    '',
  ].join('\n');
}
