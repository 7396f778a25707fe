// SPDX-License-Identifier: Apache-2.0
import { parse, stringify } from 'yaml';

/** A text, or why there is none. */
export type Localised = { readonly text: string } | { readonly fault: string };

/** What flux2's manifests name: files of a controller's release, which its workflow builds from folders of `config/`. */
const ASSET = /^https:\/\/github\.com\/[^/]+\/([^/]+)\/releases\/download\/([^/]+)\/\1\.(crds|deployment)\.yaml$/;
const FOLDERS = { crds: 'crd', deployment: 'manager' } as const;

/**
 * Takes a kustomization of flux2 (`manifests/bases/<name>/kustomization.yaml`), and what each component's version is; gives it with every
 * address of a release file replaced by the folder of the component's own `config/` that the file is built from, below `configs`
 * (a path relative to the kustomization). A fault where it names another version than is built, or anything else from elsewhere.
 */
export function localiseKustomization(
  text: string,
  versions: Readonly<Record<string, string>>,
  configs: string,
): Localised {
  const kustomization: unknown = parse(text);
  const resources = isRecord(kustomization) ? kustomization['resources'] : undefined;
  if (!isRecord(kustomization) || !Array.isArray(resources)) return { fault: 'it is no kustomization with resources' };
  const local: string[] = [];
  for (const resource of resources as readonly unknown[]) {
    if (typeof resource !== 'string') return { fault: 'a resource is no text' };
    const [, name = '', version = '', kind] = ASSET.exec(resource) ?? [];
    if (kind === undefined) {
      if (isElsewhere(resource)) return { fault: `it names ${resource}, which is no file of a controller's release` };
      local.push(resource);
      continue;
    }
    const built = versions[name];
    if (built !== version)
      return { fault: `it names ${name} ${version}, and ${built === undefined ? 'none' : built} is built` };
    local.push(`${configs}/${name}/${FOLDERS[kind as keyof typeof FOLDERS]}`);
  }
  return { text: stringify({ ...kustomization, resources: local }) };
}

/** What kustomize would fetch: an address, or the short form of a Git repository. A file beside it is named without host. */
function isElsewhere(resource: string): boolean {
  return /^[a-z+]+:|^[^/]*@|^[^./]+\.[^/]+\/|\?ref=|\/\//i.test(resource);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
