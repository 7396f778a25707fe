// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeTree } from '#cache';
import type { Definition, Lock } from '#definition';
import { openOutput, type SandboxStep } from '#engine';
import type { Json } from '#formats';
import { FactoryError } from './error.ts';
import { lacking, openTool, type Tool } from './tool.ts';
import { once, stepTools, type Workshop } from './workshop.ts';

/** Builds kustomizations with the real program, compiled from its proved source, in the sandbox and without network. */
export interface Kustomize {
  /** All that decides what it writes: which source, by which compiler, asked how, and whether it was isolated. */
  readonly identity: Json;
  /**
   * Builds the folder `at` of a tree; gives its text. `subject` names it in errors. Throws `MANIFESTS_INVALID` with kustomize's own words,
   * `MANIFESTS_LIMIT`, and what the engine throws.
   */
  build(tree: string, at: string, subject: string): Promise<string>;
}

const INSIDE = { tool: '/oakum/kustomize', tree: '/tree', output: '/out' } as const;
const MANIFEST = 'manifest.yaml';
/** All manifests of Flux together have a third of a MiB. */
const MAX_MANIFEST_BYTES = 32 << 20;
const WALL_MILLISECONDS = 120_000;

/** Gives kustomize as the lock holds it; it is compiled when something must be built. Throws `LOCK_INCOMPLETE`. */
export function openKustomize(definition: Definition, lock: Lock, shop: Workshop): Kustomize {
  const locked = lock.tools?.['kustomize'];
  const toolchain = lock.toolchains[definition.toolchain]?.[shop.machine.platform];
  if (locked === undefined || toolchain === undefined) throw lacking('the tool kustomize');
  const tool = once(() => openTool('kustomize', { definition, lock }, shop));
  return {
    identity: {
      argv: argvOf('.'),
      isolated: shop.isolated,
      source: { path: locked.path, version: locked.version, zipHash: locked.zipHash },
      toolchain: { version: definition.toolchain, zipHash: toolchain.zipHash },
    },
    build: async (tree, at, subject) => runKustomize(await tool(), { tree, at, subject }, { definition, shop }),
  };
}

/** Writes a tree of small files that the sandbox may read. */
export async function writeTree(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

function argvOf(at: string): SandboxStep['argv'] {
  return [INSIDE.tool, 'build', join(INSIDE.tree, at), '--output', `${INSIDE.output}/${MANIFEST}`];
}

async function runKustomize(
  { path }: Tool,
  { tree, at, subject }: { readonly tree: string; readonly at: string; readonly subject: string },
  { definition, shop }: { readonly definition: Definition; readonly shop: Workshop },
): Promise<string> {
  const { cache, engine, limits, signal } = stepTools(definition, shop);
  const output = cache.temporary();
  await mkdir(output);
  try {
    const outcome = await (await engine()).run({
      argv: argvOf(at),
      env: { HOME: '/tmp', LC_ALL: 'C', PATH: '/oakum', TMPDIR: '/tmp', TZ: 'UTC' },
      cwd: INSIDE.tree,
      mounts: [
        { kind: 'read', from: path, to: INSIDE.tool },
        { kind: 'read', from: tree, to: INSIDE.tree },
        { kind: 'write', from: output, to: INSIDE.output },
      ],
      limits: {
        wallMilliseconds: WALL_MILLISECONDS,
        memoryBytes: limits.memoryBytes,
        processes: limits.processes,
        fileBytes: MAX_MANIFEST_BYTES,
        outputBytes: MAX_MANIFEST_BYTES,
      },
      ...(signal === undefined ? {} : { signal }),
    });
    if (outcome.limit !== undefined || outcome.timedOut) {
      throw new FactoryError('MANIFESTS_LIMIT', `kustomize was stopped: ${outcome.limit ?? 'time'} limit reached`, {
        where: subject,
        hint: 'Raise `limits` in distribution.yaml.',
      });
    }
    if (outcome.exitCode !== 0) throw invalid(`kustomize refuses them: ${lastLine(outcome.stderr)}`, subject);
    return await readOutput(output);
  } finally {
    await removeTree(output);
  }
}

async function readOutput(folder: string): Promise<string> {
  const { handle } = await openOutput(folder, MANIFEST);
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** An error about manifests that are not as they must be. */
export function invalid(fault: string, where: string): FactoryError {
  return new FactoryError('MANIFESTS_INVALID', `the manifests can't be made: ${fault}`, {
    where,
    hint: 'Nothing was written. If this release of Flux is new to Oakum, look whether its `manifests/` have another form.',
  });
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? 'it says nothing';
}
