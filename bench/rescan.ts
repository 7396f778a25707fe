// SPDX-License-Identifier: Apache-2.0
// A rescan of many stored SBOMs after a change of the feeds: `oakum store refresh` as a whole process, on PGlite in the data folder or on
// the server of --store. The SBOMs are those of a release with versions varied; the change is of 20 advisories about packages that they
// hold, back and forth, so that each round has one. At its end what the store says of some SBOMs is held against a scan of them.
//   node --conditions=oakum-source bench/rescan.ts --release DIR --data DIR [--sboms N] [--rounds N] [--store URL]
// DIR of --release holds what `oakum release` has written; --data is a data folder with the Go database.
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createHttp, digestOf, systemClock } from '#core';
import { layoutEvidence } from '#evidence';
import { MAX_MANIFEST_BYTES, openLayout, readContent } from '#image';
import { leaveScan, toScanRecord, withStore } from '#store';
import {
  type Feeds,
  type Finding,
  imageSubjects,
  openFeeds,
  scan,
  type ScanPackage,
  type ScanSubject,
  updateFeeds,
  writeGoDatabase,
} from '#vulnerabilities';

const ADVISORIES = 20;
const PER_SCAN = 500;
const COMPARED = 40;

const options = {
  release: { type: 'string' },
  data: { type: 'string' },
  sboms: { type: 'string' },
  rounds: { type: 'string' },
  store: { type: 'string' },
} as const;
const { release, data, sboms = '10000', rounds = '5', store: url } = parseArgs({ options }).values;
if (release === undefined || data === undefined) throw new Error('--release and --data are needed');

const folder = await mkdtemp(join(tmpdir(), 'oakum-bench-rescan-'));
const dataFolder = join(folder, 'data');
const clock = systemClock();
const home = resolve(import.meta.dirname, '..');
const env = { ...process.env, OAKUM_DATA: dataFolder, ...(url === undefined ? {} : { OAKUM_STORE_URL: url }) };

/** Numbers from 0 to 1 that are the same in each run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The images of the release, platform by platform, by the SBOMs attached to them. */
async function realSubjects(from: string): Promise<readonly ScanSubject[]> {
  const document = JSON.parse(await readFile(join(from, 'release.json'), 'utf8')) as {
    readonly channels: Readonly<
      Record<string, { readonly images: readonly { component: string; tags: readonly string[] }[] }>
    >;
  };
  const layout = await openLayout(join(from, 'oci'));
  const found: ScanSubject[] = [];
  for (const [channel, { images }] of Object.entries(document.channels))
    for (const { component, tags } of images) {
      const image = `${channel}/${component}:${tags[0]}`;
      const descriptor = await layout.resolve(image);
      const root = { descriptor, bytes: await readContent(layout, descriptor, MAX_MANIFEST_BYTES) };
      found.push(
        ...(await imageSubjects({
          image,
          root,
          store: layoutEvidence(layout),
          temporary: () => join(folder, 'program'),
        })),
      );
    }
  return found;
}

/** Gives a subject with another digest, in which every fifth module has another patch version. */
function vary(subject: ScanSubject, number: number): ScanSubject {
  const random = numbers(number + 1);
  const packages = subject.packages.map((one): ScanPackage => {
    const parts = /^(v?\d+\.\d+\.)(\d+)$/.exec(one.version ?? '');
    if (one.ecosystem !== 'Go' || parts === null || random() > 0.2) return one;
    const version = `${parts[1]}${Math.floor(random() * (Number(parts[2]) + 3))}`;
    const { name } = one;
    return { ...one, version, occurrences: [{ name, version, purl: `pkg:golang/${name}@${version}` }] };
  });
  return {
    ...subject,
    target: `${subject.target}-${number}`,
    digest: digestOf(`${subject.target} ${subject.platform} ${number}`),
    packages,
  };
}

/** Two states of the Go database as mirrors: without the last 10 of 20 advisories, and the other 10 as they were before a change. */
async function mirrors(names: ReadonlySet<string>): Promise<readonly [before: string, after: string]> {
  const [before, after] = [join(folder, 'before'), join(folder, 'after')] as const;
  await writeGoDatabase(resolve(data ?? ''), join(after, 'go-vulndb'));
  const files = JSON.parse(await readFile(join(after, 'go-vulndb/index/vulns.json'), 'utf8')) as {
    id: string;
    modified: string;
  }[];
  const newest = files.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const touched: { id: string; text: string }[] = [];
  for (const { id } of newest) {
    const text = await readFile(join(after, `go-vulndb/ID/${id}.json`), 'utf8');
    const { affected } = JSON.parse(text) as { affected: { package: { name: string } }[] };
    if (affected.some((one) => names.has(one.package.name))) touched.push({ id, text });
    if (touched.length === ADVISORIES) break;
  }
  await cp(after, before, { recursive: true });
  const removed = new Set(touched.slice(ADVISORIES / 2).map(({ id }) => id));
  const earlier = new Set(touched.map(({ id }) => id));
  const modified = '2020-01-01T00:00:00Z';
  for (const { id, text } of touched) {
    const path = join(before, `go-vulndb/ID/${id}.json`);
    const record = JSON.parse(text) as { readonly summary?: string };
    if (removed.has(id)) await rm(path);
    else await writeFile(path, JSON.stringify({ ...record, modified, summary: `Before: ${record.summary ?? ''}` }));
  }
  const kept = files
    .filter(({ id }) => !removed.has(id))
    .map((one) => (earlier.has(one.id) ? { ...one, modified } : one));
  await writeFile(join(before, 'go-vulndb/index/vulns.json'), JSON.stringify(kept));
  const { modified: newestChange } = JSON.parse(await readFile(join(after, 'go-vulndb/index/db.json'), 'utf8')) as {
    modified: string;
  };
  const dayBefore = new Date(Date.parse(newestChange) - 86_400_000).toISOString();
  await writeFile(join(before, 'go-vulndb/index/db.json'), JSON.stringify({ modified: dayBefore }));
  console.log(`the change: ${touched.map(({ id }) => id).join(' ')}`);
  return [before, after];
}

async function update(mirror: string): Promise<void> {
  const request = {
    folder: dataFolder,
    sources: { mirror },
    report: () => undefined,
    only: ['go'],
    accept: ['go'],
  } as const;
  const [result] = await updateFeeds({ http: createHttp({ clock }), clock, ...request });
  if (result?.result !== 'updated') throw new Error(`the feed was not updated: ${result?.reading.reason}`);
}

interface Refreshed {
  readonly wall: number;
  readonly cpu: number;
  readonly megabytes: number;
  readonly report: {
    sboms: number;
    affectedSboms: number;
    matched: number;
    changes: { kind: string; subjects: number }[];
  };
}

/** `oakum store refresh`, from its start to its end. */
function refresh(): Refreshed {
  const command = ['-f', '%e %U %S %M', join(home, 'oakum'), 'store', 'refresh', '--json'];
  const result = spawnSync('/usr/bin/time', command, { encoding: 'utf8', env, cwd: folder, maxBuffer: 1 << 30 });
  const [wall = 0, user = 0, system = 0, kilobytes = 0] = (result.stderr.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  if (result.error !== undefined || result.stdout === '') throw new Error(result.error?.message ?? result.stderr);
  return {
    wall,
    cpu: user + system,
    megabytes: kilobytes / 1024,
    report: JSON.parse(result.stdout) as Refreshed['report'],
  };
}

function shown({ wall, cpu, megabytes, report }: Refreshed): string {
  const { sboms: all, affectedSboms, matched, changes } = report;
  const subjects = changes.reduce((sum, change) => sum + change.subjects, 0);
  return `${wall.toFixed(2)} s, CPU ${cpu.toFixed(2)} s, ${megabytes.toFixed(0)} MB: ${matched} packages matched, ${affectedSboms} of ${all} SBOMs name one; ${changes.length} findings changed, in ${subjects} places`;
}

/** What the store says of some subjects must be what a scan of them says. */
async function compare(subjects: readonly ScanSubject[], feeds: Feeds): Promise<void> {
  const some = subjects.filter((_, place) => place % Math.ceil(subjects.length / COMPARED) === 0);
  const { reports } = await scan(some, { feeds, now: clock.now() });
  const stored = await withStore({ dataFolder, url, report: () => undefined }, (store) => store.reports(feeds));
  const summary = (findings: readonly Pick<Finding, 'id' | 'package' | 'fix'>[]) =>
    findings
      .map(({ id, package: { ecosystem, name, version, scope }, fix }) =>
        JSON.stringify([id, ecosystem, name, version, scope, fix]),
      )
      .sort()
      .join('\n');
  for (const { digest, findings } of reports) {
    const known = stored.find((one) => one.digest === digest);
    if (known === undefined || summary(known.findings) !== summary(findings))
      throw new Error(`the store differs for ${digest}`);
  }
  console.log(
    `${reports.length} SBOMs compared: the store and a scan agree, ${reports.reduce((sum, one) => sum + one.findings.length, 0)} findings`,
  );
}

const real = await realSubjects(resolve(release));
const subjects = Array.from({ length: Number(sboms) }, (_, number) =>
  vary(real[number % real.length] as ScanSubject, number),
);
const [before, after] = await mirrors(new Set(real.flatMap(({ packages }) => packages.map(({ name }) => name))));
await update(before);
const empty = { scannedAt: clock.now(), feeds: [], reports: [] };
for (let at = 0; at < subjects.length; at += PER_SCAN) {
  const part = subjects.slice(at, at + PER_SCAN);
  const reports = part.map(({ target, kind, basis }) => ({
    target,
    kind,
    basis,
    packages: 0,
    findings: [],
    setAside: [],
    gaps: [],
    reachability: 'not analysed' as const,
  }));
  await leaveScan(dataFolder, toScanRecord({ ...empty, reports }, part));
}
console.log(`${subjects.length} SBOMs of ${real.length} real ones, load ${loadavg()[0]?.toFixed(1)}`);
console.log(`taken in and matched: ${shown(refresh())}`);
console.log(`nothing changed: ${shown(refresh())}`);
const costs: Refreshed[] = [];
for (let round = 0; round < Number(rounds); round += 1) {
  await update(round % 2 === 0 ? after : before);
  const cost = refresh();
  costs.push(cost);
  console.log(`rescan ${round + 1}: ${shown(cost)}`);
}
const walls = costs.map(({ wall }) => wall).sort((a, b) => a - b);
console.log(
  `median ${walls[walls.length >> 1]?.toFixed(2)} s, least ${walls[0]?.toFixed(2)} s (goal: 10), load ${loadavg()[0]?.toFixed(1)}`,
);
await compare(subjects, openFeeds({ folder: dataFolder, clock }));
await rm(folder, { recursive: true });
