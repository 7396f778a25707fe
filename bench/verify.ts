// SPDX-License-Identifier: Apache-2.0
// One `oakum verify` of seven images with all their evidence, beside the 21 calls of cosign that it replaces (verify and two
// verify-attestation each), and of one image beside its three. Whole processes, medians, on the same registry on loopback.
// node --conditions=oakum-source bench/verify.ts [ROUNDS]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createHttp, systemClock } from '#core';
import { PREDICATES, publishEvidence, registryEvidence, toStatement } from '#evidence';
import { openRegistry } from '#image';
import { debianJudge } from '../test/judges.ts';
import { startOlareg } from '../test/registries.ts';
import { keySigner, openStage, statementsOf } from '../test/verify-stage.ts';

const ROUNDS = Number(process.argv[2] ?? 7);
const NAMES = ['source', 'kustomize', 'helm', 'notification', 'image-reflector', 'image-automation', 'source-watcher'];
const OAKUM = resolve(import.meta.dirname, '../oakum');
const TYPES = ['slsaprovenance1', 'spdxjson'];

const folder = mkdtempSync(join(tmpdir(), 'oakum-bench-verify-'));
const registry = await startOlareg();
const stage = await openStage();
const clock = systemClock();
const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });

/** Runs a program to its end; gives its milliseconds, and fails where it does. */
function time(program: string, args: readonly string[]): Promise<number> {
  const start = performance.now();
  return new Promise((done, fail) => {
    const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };
    const child = spawn(program, args, { cwd: stage.folder, env, stdio: 'ignore' });
    child.on('error', fail);
    child.on('close', (code) => {
      if (code === 0) done(performance.now() - start);
      else fail(new Error(`${program} ${args.join(' ')}: ended with ${code}`));
    });
  });
}

async function median(run: () => Promise<number>): Promise<number> {
  await run(); // the first fills caches
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push(await run());
  return times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
}

function oakum(references: readonly string[]): Promise<number> {
  const flags = ['--key', stage.key.file, '--attestation', TYPES.join(',')];
  return time(OAKUM, ['verify', ...flags, ...references]);
}

async function cosign(program: string, references: readonly string[]): Promise<number> {
  const flags = ['--key', stage.key.file, '--insecure-ignore-tlog=true'];
  let sum = 0;
  for (const reference of references) {
    sum += await time(program, ['verify', ...flags, reference]);
    for (const type of TYPES) sum += await time(program, ['verify-attestation', '--type', type, ...flags, reference]);
  }
  return sum;
}

try {
  const references: string[] = [];
  const signer = keySigner(stage);
  for (const label of NAMES) {
    const name = { registry: registry.host, repository: `flux/${label}` };
    const image = await stage.pushImage(name.repository, label, { client, name });
    const subject = { name: image.store.where, digest: image.index.digest };
    const packages = Array.from({ length: 300 }, (_, index) => ({
      SPDXID: `SPDXRef-${index}`,
      name: `module-${index}`,
    }));
    const sbom = toStatement(subject, PREDICATES.spdx, { spdxVersion: 'SPDX-2.3', name: label, packages });
    await publishEvidence({
      store: registryEvidence(client, name),
      signer,
      created: new Date(0),
      claims: [...statementsOf(image), sbom].map((statement) => ({ statement, subjects: [image.index] })),
      cosignTags: {
        reference: image.store.where,
        signPayload: (payload) => signer.signPayload(payload),
        recognisesPayload: (payload, signature) => signer.recognisesPayload(payload, signature),
      },
    });
    references.push(image.reference);
  }
  const program = await debianJudge('cosign', 'usr/bin/cosign', 'trixie');
  const one = references.slice(0, 1);
  const rows = {
    'oakum verify, one image': await median(() => oakum(one)),
    'oakum verify, seven images': await median(() => oakum(references)),
    ...(program === undefined
      ? {}
      : {
          'cosign 2.5, three calls': await median(() => cosign(program, one)),
          'cosign 2.5, 21 calls': await median(() => cosign(program, references)),
        }),
  };
  for (const [name, milliseconds] of Object.entries(rows))
    console.log(`${name.padEnd(28)} ${milliseconds.toFixed(0)} ms`);
} finally {
  await Promise.all([stage.stop(), registry.stop()]);
  rmSync(folder, { recursive: true });
}
