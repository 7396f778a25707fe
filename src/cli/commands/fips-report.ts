// SPDX-License-Identifier: Apache-2.0
import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { runSelfTest } from '#build';
import { type Cache, openCache } from '#cache';
import { messageOf, OakumError } from '#core';
import { openEngine } from '#engine';
import { examineFile, examineImage, type ExamineTools, once, warningsOf } from '#factory';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { describeImageFips, describeProgram } from '../fips-text.ts';
import { openImage } from '../image.ts';
import { openRegistryClient } from '../registry.ts';
import { type OutputFlags, print } from '../session.ts';
import { readMachine } from '../shop.ts';
import { temporaryPath } from '../temporary.ts';
import type { World } from '../world.ts';

interface ReportFlags extends OutputFlags {
  readonly platform?: readonly string[];
  readonly run?: boolean;
  readonly plainHttp?: boolean;
}

/** `oakum fips report`: prints what the bytes of an image or program prove of its cryptography; the exit code is the verdict. */
export async function reportFips(target: string, flags: ReportFlags, world: World): Promise<void> {
  const tools: ExamineTools = {
    now: world.clock.now(),
    temporary: () => temporaryPath('fips'),
    ...(flags.run ? { selfTest: selfTestOf(world) } : {}),
  };
  const verdict = /^(?:\.{0,2}\/)/.test(target)
    ? await reportFile(target, { flags, tools, world })
    : await reportImage(target, { flags, tools, world });
  if (verdict !== 'proved') process.exitCode = VERDICT_EXIT_CODE;
}

interface ReportParts {
  readonly flags: ReportFlags;
  readonly tools: ExamineTools;
  readonly world: World;
}

async function reportImage(target: string, { flags, tools, world }: ReportParts): Promise<string> {
  const client = openRegistryClient(flags.plainHttp === true, world);
  const { root, ...named } = await openImage(target, client, world.workingFolder);
  const platforms = flags.platform === undefined ? {} : { platforms: flags.platform };
  const report = await examineImage({ ...named, root: await root(), ...platforms }, tools);
  print(flags, report, () => describeImageFips(report));
  return report.verdict;
}

async function reportFile(target: string, { flags, tools, world }: ReportParts): Promise<string> {
  const file = await openableFile(resolve(world.workingFolder, target), target);
  const examined = await examineFile(file, tools);
  const reasons = examined.kind === 'go' ? examined.faults : [examined.why];
  const warnings = examined.kind === 'go' ? warningsOf([examined], tools.now) : [];
  const verdict = reasons.length === 0 ? 'proved' : 'not proved';
  print(flags, { file: target, verdict, reasons, warnings, program: examined }, () =>
    [
      `${target}: ${verdict}`,
      ...reasons.map((reason) => `  ! ${reason}`),
      ...warnings.map((warning) => `  note: ${warning}`),
      ...(examined.kind === 'go' ? [describeProgram({ path: basename(file), ...examined })] : []),
      '',
    ].join('\n'),
  );
  return verdict;
}

async function openableFile(file: string, target: string): Promise<string> {
  const found = await stat(file).catch((error: unknown) => messageOf(error));
  if (typeof found !== 'string' && found.isFile()) return realpath(file);
  throw new OakumError('usage', 'PROGRAM_UNREADABLE', typeof found === 'string' ? found : 'it is no regular file', {
    where: target,
    hint: 'Name an image (REGISTRY/REPOSITORY:TAG or oci:FOLDER:NAME), or a program as ./FILE.',
  });
}

const LIMITS = { memoryBytes: 4 * 2 ** 30, milliseconds: 60_000, processes: 256 };

/** Only programs for this machine are started, and those only in the sandbox: they may be a stranger's. */
function selfTestOf(world: World): NonNullable<ExamineTools['selfTest']> {
  const cache = once(() => openCache(world.cacheFolder));
  const engine = once(async () => sandboxOf(await cache(), world));
  return async (file, mode, platform) => {
    if (platform !== world.platform) return { verdict: 'not run', reason: `this machine runs ${world.platform}` };
    return runSelfTest(file, mode, { cache: await cache(), engine, limits: LIMITS, signal: world.signal });
  };
}

async function sandboxOf(cache: Cache, world: World) {
  return openEngine({ run: world.run, cache, reading: await readMachine(world, cache) });
}
