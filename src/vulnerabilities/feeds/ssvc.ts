// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { schemaFault } from './advisory-record.ts';
import { absent, type FeedContext, type FeedOutcome, getHeld, newestOf, validatorOf } from './context.ts';
import type { SsvcEntry } from './feed.ts';
import { SSVC_LINES, ssvcBucket } from './files.ts';
import { parseJson, stableJson } from './json.ts';
import type { FeedFile } from './origin.ts';
import { openFoundZip } from './zip-file.ts';

const FILE: FeedFile = {
  path: 'ssvc/vulnrichment.zip',
  url: 'https://github.com/cisagov/vulnrichment/archive/refs/heads/develop.zip',
};
const LIMITS = { maxBytes: 2 ** 31 - 1, maxContent: 2 ** 33, maxEntry: 8 << 20, maxEntries: 2_000_000 };

const record = z.looseObject({
  cveMetadata: z.looseObject({ cveId: z.string().regex(/^CVE-\d{4}-\d{4,19}$/) }),
  containers: z.looseObject({
    adp: z
      .array(
        z.looseObject({
          metrics: z
            .array(z.looseObject({ other: z.looseObject({ type: z.string(), content: z.unknown() }).optional() }))
            .optional(),
        }),
      )
      .optional(),
  }),
});
const decision = z.looseObject({
  timestamp: z.string().default(''),
  options: z.array(z.record(z.string(), z.string())),
});

/** Updates CISA's SSVC decision points from the zip of its Vulnrichment repository (CVE records, format 5, ADP container). */
export async function updateSsvc(context: FeedContext): Promise<FeedOutcome> {
  const answer = await getHeld(context, FILE);
  if (answer.kind === 'unchanged') return { kind: 'unchanged' };
  if (answer.kind === 'absent') throw absent(context, FILE);
  const zip = await openFoundZip(answer, context.draft.scratch, LIMITS);
  try {
    const writer = await context.draft.lines(SSVC_LINES);
    for (const entry of zip.entries) {
      if (!/(?:^|\/)CVE-\d{4}-\d{4,19}\.json$/.test(entry.name)) continue;
      const value = readDecision(zip.read(entry), `${answer.where}!${entry.name}`);
      if (value !== undefined) await writer.add({ json: stableJson(value), keys: [ssvcBucket(value.cve)], ids: [] });
    }
    const asOf = newestOf([answer.modified], context.now);
    const validators = validatorOf(context, FILE, answer);
    return {
      kind: 'changed',
      count: writer.count,
      source: answer.where,
      validators,
      ...(asOf === undefined ? {} : { asOf }),
    };
  } finally {
    zip.close();
  }
}

/** A record without decision points (CISA has not looked yet) gives undefined. */
function readDecision(bytes: Uint8Array, where: string): SsvcEntry | undefined {
  const parsed = record.safeParse(parseJson(bytes, where));
  if (!parsed.success) throw schemaFault(parsed.error, where);
  const { cveMetadata, containers } = parsed.data;
  const metrics = (containers.adp ?? []).flatMap((container) => container.metrics ?? []);
  const content = metrics.find((metric) => metric.other?.type === 'ssvc')?.other?.content;
  if (content === undefined) return undefined;
  const points = decision.safeParse(content);
  if (!points.success) throw schemaFault(points.error, where);
  const options: Record<string, string> = Object.assign({}, ...points.data.options);
  return {
    cve: cveMetadata.cveId,
    exploitation: options['Exploitation'] ?? 'unknown',
    automatable: options['Automatable'] ?? 'unknown',
    technicalImpact: options['Technical Impact'] ?? 'unknown',
    timestamp: points.data.timestamp,
  };
}
