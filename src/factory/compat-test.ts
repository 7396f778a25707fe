// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { removeTree } from '#cache';
import {
  CELL_FILE,
  cellFolder,
  type CellRecord,
  type CellRun,
  readEtcdVersion,
  runCell,
  type RunnableRevision,
  type RunScenario,
  unpackImages,
} from '#compatibility';
import { type Digest, digestOf, type Platform, reportStep, type RunProcess } from '#core';
import type { Definition, Lock, LockedApiServer } from '#definition';
import { BUNDLE_TYPE, type EvidenceStore, publishEvidence, type Signer, type Statement } from '#evidence';
import { type Json, readableJson } from '#formats';
import { type ContentSource, type Descriptor, type Document, toDocument } from '#image';
import { newestPatch, openApiServer } from './api-server.ts';
import { passedOverIn, toCompatStatement, verdictOf } from './compat-statement.ts';
import { digestsOfFiles, inTestFolder, keepTest, makeOpenFolder } from './kept-test.ts';
import type { Program } from './tool.ts';
import type { Workshop } from './workshop.ts';

/** An image under test, where it lies. */
export interface CompatImage {
  readonly component: string;
  /** `v1.9.3`. */
  readonly version: string;
  /** As people pull it, without tag. */
  readonly name: string;
  /** Of its index. */
  readonly index: Digest;
  /** Of the manifest that runs here. */
  readonly manifest: Descriptor;
  readonly source: ContentSource;
}

/** A channel of a revision to test, or to upgrade from. */
export interface CompatSubject {
  /** `2.9.2-r0`. */
  readonly revision: string;
  readonly channel: string;
  readonly platform: Platform;
  readonly images: readonly CompatImage[];
  /** The install manifests' text. */
  readonly manifests: string;
}

/** What {@link testCompatibility} does. */
export interface CompatTestRequest {
  readonly definition: Definition;
  /** Holds the API servers of all minors. */
  readonly lock: Lock;
  /** Kubernetes minors, in the order to test. */
  readonly minors: readonly string[];
  readonly subject: CompatSubject;
  readonly previous?: CompatSubject;
  readonly scenario: RunScenario;
  readonly signer: Signer;
  /** Where cells are kept, below `compatibility/`. */
  readonly output: string;
  readonly run: RunProcess;
  readonly searchPath: string;
  readonly privileged: boolean;
}

/** A cell that was made, where it lies, and the statement that is signed. */
export interface CompatOutcome {
  readonly cell: CellRecord;
  readonly folder: string;
  readonly statement: Statement;
  readonly bundle: Json;
}

/**
 * Tests a channel of a revision on API servers of Kubernetes minors, one after the other, and keeps each cell as it is done: its
 * record, its logs and its signed attestation. A revision that does not pass is an outcome; throws where a test can't be made, what
 * signing throws, and the signal's reason. Nothing runs any more when it is over.
 */
export async function testCompatibility(request: CompatTestRequest, shop: Workshop): Promise<readonly CompatOutcome[]> {
  const { subject, previous, minors } = request;
  await readEtcdVersion({ ...request, ...shop }); // what is missing is told before anything is built
  return inTestFolder(shop.cache, async (folder) => {
    const revision = await unpackSubject(subject, join(folder, 'images'), shop);
    const older = previous === undefined ? undefined : await unpackSubject(previous, join(folder, 'previous'), shop);
    const outcomes: CompatOutcome[] = [];
    for (const minor of minors) {
      const program = await openApiServer(minor, request, shop);
      const work = join(folder, minor);
      await makeOpenFolder(work);
      const parts = {
        newest: await newestPatch(minor, shop),
        minor,
        program,
        folder: work,
        revision,
        ...(older === undefined ? {} : { previous: older }),
      };
      outcomes.push(await testOne(parts, request, shop));
      await removeTree(work);
    }
    return outcomes;
  });
}

/** An image and its index, and the place that evidence about it goes to. */
export interface CompatTarget {
  readonly root: Document;
  readonly store: EvidenceStore;
}

/** Attaches the attestations of cells to the images that they speak of. Each is signed once; every image carries the same. */
export async function attachCompatibility(
  outcomes: readonly (Pick<CompatOutcome, 'statement' | 'bundle'> & { readonly cell: Pick<CellRecord, 'made'> })[],
  targets: readonly CompatTarget[],
  { signer, shop }: { readonly signer: Signer; readonly shop: Pick<Workshop, 'report'> },
): Promise<void> {
  await reportStep(shop.report, { subject: 'compatibility', step: 'attach' }, async () => {
    let added = 0;
    for (const { store, root } of targets) {
      for (const { cell, statement, bundle } of outcomes) {
        const published = await publishEvidence({
          store,
          claims: [{ statement, subjects: [root.descriptor] }],
          signer: { sign: async () => ({ bundle }), recognises: (one) => signer.recognises(one) },
          created: new Date(cell.made),
        });
        added += published.added.length;
      }
    }
    return { cached: added === 0 };
  });
}

/** Unpacks the images of a subject below a folder, which is made; gives what runs. */
export async function unpackSubject(
  subject: CompatSubject,
  folder: string,
  shop: Pick<Workshop, 'report'>,
): Promise<RunnableRevision> {
  const { revision, manifests, images } = subject;
  const names = { subject: `images of ${revision}`, step: 'unpack' };
  const { unpacked } = await reportStep(shop.report, names, async () => ({
    unpacked: await unpackImages(images, folder),
    cached: false,
  }));
  return { revision, manifests, images: unpacked };
}

/** What a cell holds of its run and its subject. */
function toRecord({ steps, ended }: CellRun, { subject, previous }: CompatTestRequest) {
  return {
    channel: subject.channel,
    revision: subject.revision,
    ...(previous === undefined ? {} : { previous: previous.revision }),
    verdict: verdictOf(steps),
    made: ended.toISOString(),
    platform: subject.platform,
    images: Object.fromEntries(subject.images.map(({ component, index }) => [component, index])),
    steps: steps.map((step) => ({ ...step })),
  };
}

interface TestParts {
  /** Of the minor's patches, `v1.36.4`. */
  readonly newest: string | undefined;
  readonly minor: string;
  readonly program: Program;
  readonly folder: string;
  readonly revision: RunnableRevision;
  readonly previous?: RunnableRevision;
}

async function testOne(parts: TestParts, request: CompatTestRequest, shop: Workshop): Promise<CompatOutcome> {
  const { clock, report, signal } = shop;
  const { run: runProcess, scenario, searchPath, privileged, signer, subject } = request;
  const { minor, program } = parts;
  const names = { subject: `${subject.revision} ${subject.channel} on Kubernetes ${minor}`, step: 'test' };
  const { run } = await reportStep(report, names, async () => ({
    run: await runCell({
      ...parts,
      program: program.path,
      scenario,
      searchPath,
      privileged,
      run: runProcess,
      clock,
      report,
      signal,
    }),
    cached: false,
  }));
  const versions = versionsOf(run, subject);
  const logs = await digestsOfFiles(run.logs);
  const locked = request.lock.kubernetes?.[minor] as LockedApiServer;
  const statement = toCompatStatement({
    subject,
    previous: request.previous?.revision,
    minor,
    run,
    apiServer: { locked, program: program.digest },
    manifests: digestOf(subject.manifests),
    logs,
    versions,
  });
  const { bundle } = await signer.sign(statement);
  const signed = toDocument(bundle, BUNDLE_TYPE);
  const cell: CellRecord = {
    kubernetes: minor,
    ...toRecord(run, request),
    digest: signed.descriptor.digest,
    versions,
    logs,
    ...(parts.newest === undefined ? {} : { newest: parts.newest.slice(1) }),
    ...passedOverIn(locked),
  };
  const folder = cellFolder(request.output, cell);
  await keepTest(folder, { name: CELL_FILE, text: readableJson(cell), signed, logs: run.logs });
  return { cell, statement, bundle, folder };
}

/** Gives the versions of all that ran, a component's with the digest of its index. */
export function versionsOf(
  run: Pick<CellRun, 'kubernetes' | 'etcd'>,
  { images }: CompatSubject,
): Readonly<Record<string, string>> {
  const components = images.map(({ component, version, index }) => [component, `${version}@${index}`] as const);
  return { kubernetes: run.kubernetes, etcd: run.etcd, ...Object.fromEntries(components) };
}
