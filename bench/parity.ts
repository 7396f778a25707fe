// SPDX-License-Identifier: Apache-2.0
// Writes docs/parity.md: what Oakum, osv-scanner (offline, on the SBOM) and govulncheck (binary mode) find in each image of a
// release with the same advisories. Ends with 1 where a difference is not explained.
//   node --conditions=oakum-source bench/parity.ts --release DIR --data DIR --now TIME
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fileSubject, openFeeds, scan } from '#vulnerabilities';
import { judge } from '../test/judges.ts';
import { type StagedImage, stageScan } from '../test/scan-stage.ts';

const options = { release: { type: 'string' }, data: { type: 'string' }, now: { type: 'string' } } as const;
const { release, data, now } = parseArgs({ options }).values;
if (release === undefined || data === undefined || now === undefined)
  throw new Error('--release, --data and --now are needed');

/** A tool's finding in an image, as a text that is the same for all tools. */
type Found = ReadonlySet<string>;
const keyOf = (module: string, version: string, id: string) => `${module}|${version.replace(/^(?:go|v)/, '')}|${id}`;

const TOOLS = ['oakum, SBOM', 'osv-scanner, SBOM', 'oakum, program', 'govulncheck, program'] as const;
const folder = await mkdtemp(join(tmpdir(), 'oakum-parity-'));
const stage = await stageScan(join(folder, 'stage'), { release: resolve(release), data: resolve(data) });
const [osvScanner, govulncheck] = [await judge('osv-scanner'), await judge('govulncheck')];
const env = { ...process.env, OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY: stage.osvDatabase };
const at = new Date(now);
const feeds = openFeeds({
  folder: resolve(data),
  clock: { now: () => at, sleep: () => Promise.reject(new Error('no')) },
});

function run(command: string, args: readonly string[], good: readonly number[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8', env, maxBuffer: 1 << 28 });
  if (!good.includes(result.status ?? -1)) throw new Error(`${command} ended with ${result.status}: ${result.stderr}`);
  return result.stdout;
}

/** What Oakum finds in an SBOM or a program, and what it says it could not check there. */
async function byOakum(path: string): Promise<{ readonly found: Found; readonly gaps: readonly string[] }> {
  const subject = await fileSubject(path, path);
  const { reports } = await scan([{ ...subject, platform: stage.platform }], { feeds, now: at });
  const found = reports.flatMap(({ findings }) => findings.filter((one) => one.package.scope === 'image'));
  return {
    found: new Set(found.map((one) => keyOf(one.package.name, one.package.version, one.id))),
    gaps: reports.flatMap(({ gaps }) =>
      gaps.filter((gap) => gap.feed !== 'osv').map((gap) => `${gap.what}: ${gap.reason}`),
    ),
  };
}

interface OsvReport {
  readonly results: readonly {
    readonly packages: readonly {
      readonly package: { readonly name: string; readonly version: string };
      readonly vulnerabilities?: readonly {
        readonly id: string;
        readonly affected: readonly { readonly package: { readonly name: string } }[];
      }[];
    }[];
  }[];
}

/** osv-scanner names a module of an SPDX document by the last part of its path: the advisory tells the rest. */
function byOsvScanner({ sbom }: StagedImage): Found {
  const args = ['scan', 'source', '-L', sbom, '--offline', '--offline-vulnerabilities', '--format', 'json'];
  const report: OsvReport = JSON.parse(run(osvScanner, args, [0, 1]));
  const packages = report.results.flatMap((result) => result.packages);
  return new Set(
    packages.flatMap(({ package: { name, version }, vulnerabilities = [] }) =>
      vulnerabilities.map(({ id, affected }) => {
        const modules = affected.map((one) => one.package.name);
        return keyOf(modules.find((module) => module === name || module.endsWith(`/${name}`)) ?? name, version, id);
      }),
    ),
  );
}

/** Each finding of any level names the module first. */
function byGovulncheck({ program }: StagedImage): Found {
  const text = run(
    govulncheck,
    ['-mode', 'binary', '-format', 'json', '-db', `file://${stage.goDatabase}`, program],
    [0],
  );
  const messages: readonly { finding?: { osv: string; trace: readonly { module: string; version?: string }[] } }[] =
    JSON.parse(`[${text.trim().replace(/^\}\n\{/gm, '},\n{')}]`);
  return new Set(
    messages.flatMap(({ finding }) => {
      const [top] = finding?.trace ?? [];
      return finding === undefined || top === undefined ? [] : [keyOf(top.module, top.version ?? '', finding.osv)];
    }),
  );
}

const rows: string[] = [];
const gaps = new Set<string>();
const totals = TOOLS.map(() => 0);
let unexplained = 0;
for (const image of stage.images) {
  const [sbom, program] = [await byOakum(image.sbom), await byOakum(image.program)];
  const tools = [sbom.found, byOsvScanner(image), program.found, byGovulncheck(image)];
  for (const gap of [...sbom.gaps, ...program.gaps]) gaps.add(gap);
  for (const [index, found] of tools.entries()) totals[index] = (totals[index] ?? 0) + found.size;
  for (const key of [...new Set(tools.flatMap((found) => [...found]))].sort()) {
    const [module = '', version = '', id = ''] = key.split('|');
    const marks = tools.map((found) => (found.has(key) ? 'yes' : '**no**'));
    if (marks.includes('**no**')) unexplained += 1;
    rows.push(`| ${[image.component, module, version, id, ...marks].join(' | ')} |`);
  }
}
const readings = (await feeds.status()).filter(({ name }) => name === 'go');
const versions = [
  run(osvScanner, ['--version'], [0]).split('\n', 1)[0]?.replace(' version:', ''),
  run(govulncheck, ['-version'], [0])
    .match(/govulncheck@v[\d.]+/)?.[0]
    ?.replace('@v', ' '),
];
/** What follows was measured by hand, and stays. */
const BY_HAND = '\n## Reachability\n';
const page = resolve(import.meta.dirname, '../docs/parity.md');
const [, byHand = ''] = (await readFile(page, 'utf8')).split(BY_HAND);
await writeFile(
  page,
  `# Parity of findings

Made by \`bench/parity.ts\`, but for the last part. Flux ${stage.revision}, ${stage.platform}; ${versions.join(', ')}; all three with the Go
vulnerability database of ${readings[0]?.asOf?.toISOString()} (${readings[0]?.count} reports, ${readings[0]?.digest}). osv-scanner reads
the image's SBOM, govulncheck its program, Oakum each of the two.

| | ${TOOLS.join(' | ')} |
|---|${TOOLS.map(() => '---|').join('')}
| findings | ${totals.join(' | ')} |

Differences: ${unexplained === 0 ? 'none. No finding of one tool is absent from another, and none is too many.' : `${unexplained}, below with **no**.`}

What Oakum says that it could not check, where the others say nothing (\`(devel)\` stands in a program, whose own version the linker did not know; the SBOM has it):

${
  [...gaps]
    .sort()
    .map((gap) => `- ${gap}`)
    .join('\n') || '- nothing'
}

| image | module | version | advisory | ${TOOLS.join(' | ')} |
|---|---|---|---|${TOOLS.map(() => '---|').join('')}
${rows.join('\n')}
${BY_HAND}${byHand}`,
);
await rm(folder, { recursive: true });
process.exitCode = unexplained === 0 ? 0 : 1;
