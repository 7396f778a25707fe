// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Digest, isDigest } from '#core';
import { toRfc3339 } from './annotations.ts';
import type { ContentPlatform } from './content.ts';
import { type Document, parse, toDocument } from './manifest.ts';
import { MEDIA_TYPES } from './media-types.ts';

/** How a container of the image runs (OCI image-spec 1.1, config.md "config"). */
export interface RunConfig {
  /** `uid:gid` as numbers, so that no passwd is needed to check `runAsNonRoot`. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command?: readonly string[];
  /** Environment as `NAME=value`, in this order. */
  readonly environment?: readonly string[];
  readonly workingDirectory?: string;
  /** `port/protocol`. */
  readonly exposedPorts?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** One layer of a config: its diffId and a sentence for `history`. */
export interface ConfigLayer {
  readonly diffId: Digest;
  readonly createdBy: string;
  readonly created: Date;
}

/** What a config is built from. `created` is the source's commit time. */
export interface ConfigParts {
  readonly platform: ContentPlatform;
  readonly created: Date;
  readonly run: RunConfig;
  readonly layers: readonly ConfigLayer[];
}

/** The parts of a config that Oakum reads back. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string | undefined;
  readonly created?: string | undefined;
  readonly config?:
    | {
        readonly User?: string | undefined;
        readonly Entrypoint?: readonly string[] | null | undefined;
        readonly Cmd?: readonly string[] | null | undefined;
        readonly Env?: readonly string[] | null | undefined;
        readonly WorkingDir?: string | undefined;
        readonly Labels?: Readonly<Record<string, string>> | null | undefined;
      }
    | undefined;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?:
    | readonly {
        readonly created?: string | undefined;
        readonly created_by?: string | undefined;
        readonly empty_layer?: boolean | undefined;
      }[]
    | null
    | undefined;
}

const strings = z.array(z.string()).nullish();

const configSchema: z.ZodType<ImageConfig> = z.object({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
  created: z.string().optional(),
  config: z
    .object({
      User: z.string().optional(),
      Entrypoint: strings,
      Cmd: strings,
      Env: strings,
      WorkingDir: z.string().optional(),
      Labels: z.record(z.string(), z.string()).nullish(),
    })
    .optional(),
  rootfs: z.object({
    type: z.literal('layers'),
    diff_ids: z.array(z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a sha256 digest')),
  }),
  history: z
    .array(
      z.object({
        created: z.string().optional(),
        created_by: z.string().optional(),
        empty_layer: z.boolean().optional(),
      }),
    )
    .nullish(),
});

/** Builds a config document (OCI image-spec 1.1, config.md). */
export function buildConfig(parts: ConfigParts): Document {
  const { run, platform } = parts;
  return toDocument(
    {
      architecture: platform.architecture,
      os: platform.os,
      variant: platform.variant,
      created: toRfc3339(parts.created),
      config: {
        User: run.user,
        Entrypoint: run.entrypoint,
        Cmd: run.command,
        Env: run.environment,
        WorkingDir: run.workingDirectory,
        ExposedPorts: run.exposedPorts && Object.fromEntries(run.exposedPorts.map((port) => [port, {}])),
        Labels: run.labels,
      },
      rootfs: { type: 'layers', diff_ids: parts.layers.map((layer) => layer.diffId) },
      history: parts.layers.map((layer) => ({ created: toRfc3339(layer.created), created_by: layer.createdBy })),
    },
    MEDIA_TYPES.config,
  );
}

/** Reads a config's bytes. Throws `MANIFEST_INVALID`; `where` names it in errors. */
export function parseConfig(bytes: Uint8Array, where: string): ImageConfig {
  return parse(configSchema, bytes, { what: 'an image config', where });
}
