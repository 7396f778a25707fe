// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, OakumError } from '#core';
import { readSbom } from '#evidence';
import { parseGoMod, parseGoSum, type ReadAt, readerOf, readGoBuildInfo, type SumLine } from '#formats';
import { VulnerabilityError } from '../error.ts';
import { mergePackages, type ScanSubject } from '../subject.ts';
import { modulePackages } from './go-mod.ts';
import { programPackages } from './go-packages.ts';
import { sbomPackages } from './sbom-packages.ts';

/** The most bytes of an SBOM, a go.mod or a go.sum. */
const MAX_TEXT = 64 << 20;

/**
 * Reads a file that is to be scanned, by what it holds: an SBOM (SPDX 2 or CycloneDX, JSON), a Go program (ELF), or, by its
 * name, a go.mod with the go.sum beside it. `target` is its name for people. Throws `TARGET_UNREADABLE` and `TARGET_INVALID`.
 */
export async function fileSubject(path: string, target: string): Promise<ScanSubject> {
  const file = await opened(path, target);
  try {
    const { readAt, size } = await readerOf(file);
    const head = await readAt(0, 4096);
    if (head.subarray(0, 4).toString('latin1') === '\x7fELF') return await programSubject(readAt, target);
    const isModule = basename(path) === 'go.mod' || path.endsWith('.mod');
    const isJson = /^\uFEFF?\s*\{/.test(head.toString('utf8'));
    if (!isModule && !isJson) throw unknownKind(target);
    if (size > MAX_TEXT)
      throw new VulnerabilityError('TARGET_INVALID', `it is larger than ${MAX_TEXT} bytes`, {
        where: target,
        hint: 'An SBOM of that size can be cut into several, or made without what is no package, such as files.',
      });
    const bytes = await file.readFile();
    return isModule ? await moduleSubject(bytes, path, target) : sbomSubject(bytes, target);
  } finally {
    await file.close();
  }
}

async function opened(path: string, target: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r');
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (error) {
    throw new VulnerabilityError('TARGET_UNREADABLE', `it can't be read: ${messageOf(error)}`, {
      where: target,
      cause: error,
    });
  }
  throw unknownKind(target);
}

function unknownKind(target: string): VulnerabilityError {
  return new VulnerabilityError('TARGET_INVALID', 'it is nothing that can be scanned', {
    where: target,
    hint: 'Name an image, oci:FOLDER:NAME, an SBOM (SPDX 2 or CycloneDX, in JSON), a Go program, a go.mod or a release.',
  });
}

/** Takes an SBOM's bytes; gives its packages to scan. */
export function sbomSubject(bytes: Uint8Array, target: string): ScanSubject {
  const sbom = readSbom(bytes, target);
  const format = sbom.format === 'spdx' ? 'SPDX' : 'CycloneDX';
  return { target, kind: 'sbom', basis: `an SBOM in ${format} ${sbom.specVersion}`, ...sbomPackages(sbom) };
}

async function programSubject(readAt: ReadAt, target: string): Promise<ScanSubject> {
  const info = await readGoBuildInfo(readAt);
  if (info === undefined)
    throw new VulnerabilityError('TARGET_INVALID', 'this program names no Go modules: it is not of Go 1.18 or later', {
      where: target,
    });
  const [os, architecture] = [info.settings.get('GOOS'), info.settings.get('GOARCH')];
  return {
    target,
    kind: 'go-binary',
    ...(os === undefined || architecture === undefined ? {} : { platform: `${os}/${architecture}` }),
    basis: 'what the Go linker wrote into the program',
    packages: mergePackages(programPackages(info)),
    gaps: [],
  };
}

async function moduleSubject(bytes: Buffer, path: string, target: string): Promise<ScanSubject> {
  try {
    const mod = parseGoMod(bytes.toString('utf8'));
    const sum = await readSums(join(dirname(path), 'go.sum'));
    return { target, kind: 'go.mod', ...modulePackages(mod, sum) };
  } catch (error) {
    if (error instanceof OakumError && error.where === undefined)
      throw new VulnerabilityError('TARGET_INVALID', error.message, { where: target, cause: error });
    throw error;
  }
}

async function readSums(path: string): Promise<readonly SumLine[] | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined || text.length > MAX_TEXT ? undefined : parseGoSum(text);
}
