// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { Cache } from '#cache';
import { compareModuleVersions, escapeModuleText, isCanonicalModuleVersion, type ModuleVersion } from '#formats';
import { SourcesError } from './error.ts';
import { assertModule, nameOf, proxyPathOf } from './module-name.ts';
import type { ProxyClient } from './proxy-client.ts';

/** Where a version came from in version control, as the proxy says. No database vouches for it. */
export interface ModuleOrigin {
  readonly url: string;
  readonly commit: string;
  readonly ref?: string;
}

/** A proxy's `.info`: the version, its commit's time and, where the proxy knows it, the commit itself. */
export interface ModuleInfo {
  readonly version: string;
  readonly time: Date;
  readonly origin?: ModuleOrigin;
}

const INFO = z.object({
  Version: z.string(),
  Time: z.iso.datetime({ offset: true }),
  Origin: z.object({ URL: z.string().optional(), Hash: z.string().optional(), Ref: z.string().optional() }).optional(),
});

const MAX_LIST = 4 << 20;
const MAX_INFO = 1 << 20;

/** Reads a version's `.info` (https://go.dev/ref/mod#goproxy-protocol) once and keeps it. Throws `PROXY_ANSWER_INVALID` for one of another version. */
export async function readModuleInfo(cache: Cache, proxies: ProxyClient, module: ModuleVersion): Promise<ModuleInfo> {
  assertModule(module);
  const { path, version } = module;
  const step = await cache.step(
    { name: 'module-info', inputs: { path, version } },
    () => [],
    async () => {
      const request = { path: proxyPathOf(module, 'info'), subject: nameOf(module), maxBytes: MAX_INFO };
      const { url, text } = await proxies.text(request);
      const info = INFO.safeParse(toJson(text));
      if (!info.success || info.data.Version !== version) {
        throw new SourcesError(
          'PROXY_ANSWER_INVALID',
          `the proxy's .info of ${nameOf(module)} is not of that version`,
          { where: url },
        );
      }
      const { URL: origin, Hash: commit, Ref: ref } = info.data.Origin ?? {};
      const isKnown = origin !== undefined && commit !== undefined && /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit);
      return {
        time: new Date(info.data.Time).toISOString(),
        origin: isKnown ? { url: origin, commit, ref } : null,
      };
    },
  );
  const { time, origin } = step.value;
  if (origin === null) return { version, time: new Date(time) };
  const { ref, ...rest } = origin;
  return { version, time: new Date(time), origin: { ...rest, ...(ref === undefined ? {} : { ref }) } };
}

/** Gives the versions that the proxies list, oldest first; none where they have no list or refuse it. */
export async function listModuleVersions(proxies: ProxyClient, path: string): Promise<readonly string[]> {
  assertModule({ path, version: 'v0.0.0' });
  try {
    const { text } = await proxies.text({
      path: `${escapeModuleText(path)}/@v/list`,
      subject: `the version list of ${path}`,
      maxBytes: MAX_LIST,
    });
    const versions = text.split('\n').map((line) => line.trim().split(/\s/, 1)[0] ?? '');
    return [...new Set(versions.filter(isCanonicalModuleVersion))].sort(compareModuleVersions);
  } catch (error) {
    if (error instanceof SourcesError && error.code === 'MODULE_NOT_SERVED') return [];
    throw error;
  }
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
