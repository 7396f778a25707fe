// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { CryptoMode } from '#build';
import { HANDSHAKING, type HandshakesRun, readEtcdVersion, runHandshakes } from '#compatibility';
import { type Digest, digestOf, reportStep } from '#core';
import type { LockedApiServer } from '#definition';
import { BUNDLE_TYPE, PREDICATES, type Statement } from '#evidence';
import { type Json, readableJson } from '#formats';
import { toDocument } from '#image';
import { openApiServer } from './api-server.ts';
import { configurationOf, stateOfImages, verdictOf } from './compat-statement.ts';
import { type CompatSubject, type CompatTestRequest, unpackSubject, versionsOf } from './compat-test.ts';
import { FactoryError } from './error.ts';
import { digestsOfFiles, inTestFolder, keepTest, makeOpenFolder } from './kept-test.ts';
import type { Workshop } from './workshop.ts';

/** What {@link testHandshakes} does. */
export interface HandshakesTestRequest extends Omit<CompatTestRequest, 'minors' | 'previous' | 'scenario'> {
  /** A Kubernetes minor that the lock has. */
  readonly minor: string;
  /** How the channel's cryptography is built. */
  readonly crypto: CryptoMode;
}

type Played = NonNullable<HandshakesRun['handshakes']>;

/** One test as it is kept. */
export interface HandshakesRecord {
  readonly verdict: 'passed' | 'failed';
  readonly channel: string;
  readonly revision: string;
  readonly platform: string;
  readonly crypto: CryptoMode;
  readonly component: string;
  readonly made: string;
  /** Of the signed attestation. */
  readonly digest: Digest;
  readonly versions: Readonly<Record<string, string>>;
  readonly steps: HandshakesRun['steps'];
  readonly handshakes: Played['results'];
  /** What the controller itself says that it takes. */
  readonly says: Played['says'];
  readonly logs: Readonly<Record<string, Digest>>;
}

/** A test that was made, where it lies, and the statement that is signed. */
export interface HandshakesOutcome {
  readonly record: HandshakesRecord;
  readonly folder: string;
  readonly statement: Statement;
  readonly bundle: Json;
}

/** The file that a test is kept in, beside its attestation and its logs. */
export const HANDSHAKES_FILE = 'handshakes.json';

/**
 * Runs a channel's source-controller against servers of TLS and SSH that each offer one thing, holds what it takes and refuses against
 * its crypto mode, and keeps the record with a signed attestation. What does not fit is an outcome; throws where the test can't be made,
 * what signing throws, and the signal's reason.
 */
export async function testHandshakes(request: HandshakesTestRequest, shop: Workshop): Promise<HandshakesOutcome> {
  await readEtcdVersion({ ...request, ...shop }); // what is missing is told before anything is built
  const subject = onlyHandshaking(request.subject);
  const { path: program, digest } = await openApiServer(request.minor, request, shop);
  return inTestFolder(shop.cache, async (folder) => {
    const revision = await unpackSubject(subject, join(folder, 'images'), shop);
    const work = join(folder, 'run');
    await makeOpenFolder(work);
    const names = { subject: `${subject.revision} ${subject.channel} ${HANDSHAKING}`, step: 'handshakes' };
    const { run } = await reportStep(shop.report, names, async () => ({
      run: await runHandshakes({ ...request, ...shop, program, revision, folder: work, mode: request.crypto }),
      cached: false,
    }));
    return keepRun(run, { ...request, subject }, digest);
  });
}

function onlyHandshaking(subject: CompatSubject): CompatSubject {
  const images = subject.images.filter(({ component }) => component === HANDSHAKING);
  if (images.length > 0) return { ...subject, images };
  throw new FactoryError('UNKNOWN_COMPONENT', `the release has no ${HANDSHAKING}, whose handshakes are looked at`, {
    where: `${subject.revision} ${subject.channel}`,
    hint: 'Test a whole release: `oakum release` without --component.',
  });
}

async function keepRun(
  run: HandshakesRun,
  request: HandshakesTestRequest,
  program: Digest,
): Promise<HandshakesOutcome> {
  const { subject, crypto, signer } = request;
  const versions = versionsOf(run, subject);
  const { results = [], says = { tls: undefined, ssh: undefined } } = run.handshakes ?? {};
  const isRight = results.length > 0 && results.every(({ seen, expected }) => seen === expected);
  const facts = {
    verdict: isRight && verdictOf(run.steps) === 'passed' ? 'passed' : 'failed',
    channel: subject.channel,
    revision: subject.revision,
    platform: subject.platform,
    crypto,
    component: HANDSHAKING,
    made: run.ended.toISOString(),
    versions,
    steps: run.steps,
    handshakes: results,
    says,
    logs: await digestsOfFiles(run.logs),
  } as const;
  const locked = request.lock.kubernetes?.[request.minor] as LockedApiServer;
  const configuration = configurationOf({
    apiServer: { locked, program },
    manifests: digestOf(subject.manifests),
    versions,
  });
  const statement = stateOfImages(subject.images, PREDICATES.handshakes, toJson({ ...facts, configuration }));
  const { bundle } = await signer.sign(statement);
  const signed = toDocument(bundle, BUNDLE_TYPE);
  const record: HandshakesRecord = { ...facts, digest: signed.descriptor.digest };
  const folder = join(request.output, 'handshakes', subject.revision, subject.channel);
  await keepTest(folder, { name: HANDSHAKES_FILE, text: readableJson(toJson(record)), signed, logs: run.logs });
  return { record, folder, statement, bundle };
}

/** Leaves out members without value, which JSON does not have. */
function toJson(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
