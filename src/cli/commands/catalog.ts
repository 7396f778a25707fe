// SPDX-License-Identifier: Apache-2.0
import { buildCatalog, type Catalog, countText, formatAtom, formatCatalogMarkdown, formatJsonFeed } from '#release';
import { readCatalogSources } from '../catalog-sources.ts';
import { formatTable, plainText } from '../format.ts';
import type { World } from '../world.ts';

interface CatalogFlags {
  readonly format: 'table' | 'json' | 'markdown' | 'atom' | 'jsonfeed';
  readonly json?: boolean;
  readonly url?: string;
  readonly plainHttp?: boolean;
}

/** `oakum catalog`: prints all that release documents say is published. */
export async function catalog(source: string, flags: CatalogFlags, world: World): Promise<void> {
  const built = buildCatalog(await readCatalogSources(source, flags, world));
  process.stdout.write(format(built, flags));
}

function format(built: Catalog, { format: form, json, url }: CatalogFlags): string {
  const options = url === undefined ? {} : { url };
  if (json || form === 'json') return `${JSON.stringify(built, null, 2)}\n`;
  if (form === 'markdown') return formatCatalogMarkdown(built);
  if (form === 'atom') return formatAtom(built, options);
  return form === 'jsonfeed' ? formatJsonFeed(built, options) : plainText(describe(built));
}

function describe({ lines }: Catalog): string {
  const rows = lines.flatMap(({ line, support, revisions }) =>
    revisions.map((one, index) => [
      index === 0 ? line : '',
      one.partial ? `${one.revision} (partial)` : one.revision,
      one.created?.slice(0, 10) ?? 'not published',
      one.channels.map(({ channel, images }) => `${channel} (${images.length})`).join(', '),
      countText(one.findings),
      one.fixed.length === 0 ? '-' : String(one.fixed.length),
      index === 0 ? (support?.until ?? '-') : '',
      one.digest,
    ]),
  );
  const header = ['LINE', 'REVISION', 'PUBLISHED', 'CHANNELS', 'OPEN', 'FIXED', 'SUPPORTED UNTIL', 'DOCUMENT'];
  return formatTable(header, rows, ['FIXED']);
}
