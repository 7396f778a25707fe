// SPDX-License-Identifier: Apache-2.0

/** What a remote reference of a kustomization is fetched with. */
export type RemoteKind = 'git' | 'http';

const SCHEMES = ['ssh://', 'https://', 'http://', 'file://'] as const;

/**
 * Says whether kustomize takes a text for a Git repository, as `NewRepoSpecFromURL` of sigs.k8s.io/kustomize/api v0.21.1
 * (internal/git/repospec.go) does: the schemes ssh, https, http and file, `user@host:path`, `github.com/` and `github.com:`, each also
 * after `git::`; then `_git/`, `//`, `.git` or, without these, at least two segments of a path.
 */
export function isGitUrl(text: string): boolean {
  if (text.startsWith('/')) return false;
  const [plain = ''] = text.split('?', 1);
  const path = pathAfterHost(/^git::/i.test(plain) ? plain.slice(5) : plain);
  if (path === undefined) return false;
  const [repository, root] = splitPath(path.rest, path.isFile);
  return repository !== undefined && repository !== '' && !leavesRepository(root);
}

/** Says whether kustomize fetches a text by HTTP itself (`IsRemoteFile` of internal/loader/fileloader.go). */
export function isHttpUrl(text: string): boolean {
  return /^https?:/i.test(text) && isGoUrl(text);
}

/** What `url.Parse` of Go refuses, as far as it matters here: control characters, strange hosts and ports, broken escapes. */
function isGoUrl(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- these are what Go looks for
  if (/[\u0000-\u001f\u007f]/.test(text)) return false;
  const [, authority = '', path = '', fragment = ''] =
    /^https?:(?:\/\/([^/?#]*))?([^?#]*)(?:\?[^#]*)?(?:#(.*))?$/is.exec(text) ?? [];
  const at = authority.lastIndexOf('@');
  const [user, host] = [authority.slice(0, Math.max(at, 0)), authority.slice(at + 1)];
  if (/%(?![0-9a-f]{2})/i.test(user + path + fragment) || /[^\w\-.:~!$&'()*+,;=%@]/.test(user)) return false;
  if (/[\s<>"\\^`{}|%]/.test(host)) return false;
  return host.includes('[') ? /^\[[^\]]*\](?::\d*)?$/.test(host) : /^[^:]*$|:\d*$/.test(host);
}

interface AfterHost {
  readonly rest: string;
  readonly isFile: boolean;
}

/** `extractHost`: undefined where there is no scheme, user or github.com, or no host. */
function pathAfterHost(text: string): AfterHost | undefined {
  const scheme = SCHEMES.find((prefix) => text.slice(0, prefix.length).toLowerCase() === prefix) ?? '';
  const afterScheme = text.slice(scheme.length);
  const [user = ''] = /^[a-zA-Z][a-zA-Z0-9-]*@/.exec(afterScheme) ?? [];
  const address = afterScheme.slice(user.length);
  const isGithub = /^github\.com[/:]/i.test(address);
  const acceptsColon = scheme === '' && (user !== '' || isGithub);
  if (scheme === '' && !acceptsColon) return undefined;
  if (scheme === 'file://') return { rest: user + address, isFile: true };
  const separator = separatorIn(address, acceptsColon);
  if (separator < 0) return undefined; // a host alone has no path, and no path is no repository
  return { rest: address.slice(separator + 1), isFile: false };
}

function separatorIn(address: string, acceptsColon: boolean): number {
  const slash = address.indexOf('/');
  if (!acceptsColon) return slash;
  const colon = address.indexOf(':');
  return slash === -1 || (colon > 0 && colon < slash) ? colon : slash;
}

/** `parsePathParts`: the repository's path and the path in it. */
function splitPath(path: string, isFile: boolean): readonly [repository: string | undefined, root: string] {
  const azure = path.indexOf('_git/');
  if (azure >= 0) {
    const [name = '', ...rest] = path.slice(azure + 5).split('/');
    return [path.slice(0, azure + 5) + name, rest.join('/')];
  }
  const slashes = path.indexOf('//');
  if (slashes >= 0) return [path.slice(0, slashes), path.slice(slashes + 2)];
  const suffix = path.indexOf('.git');
  if (suffix >= 0) return [path.slice(0, suffix + 4), path.slice(suffix + 4)];
  if (isFile) return [path, ''];
  const segments = path.split('/');
  return segments.length < 2 ? [undefined, ''] : [segments.slice(0, 2).join('/'), segments.slice(2).join('/')];
}

/** `kustRootPathExitsRepo`, after Go's filepath.Clean: more steps up than down. */
function leavesRepository(root: string): boolean {
  const path = root.replace(/^\//, '');
  if (path.startsWith('/')) return false; // Clean keeps a path absolute
  let depth = 0;
  for (const segment of path.split('/')) {
    if (segment === '..') depth -= 1;
    else if (segment !== '' && segment !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

/**
 * Says what a URL of HTTP most likely is, as only the server could tell for sure: kustomize asks by HTTP, and takes git where no
 * manifest comes.
 */
export function guessHttpUrl(text: string): RemoteKind | 'either' {
  const [address = '', query = ''] = text.split('?', 2);
  const path = address.replace(/^https?:\/\/[^/]*/i, '');
  if (/(?:^|&)(?:ref|version|submodules|timeout)=/.test(query) || /\/\/|\.git(?:\/|$)|_git\//.test(path)) return 'git';
  if (/\.(?:ya?ml|json)$/i.test(path)) return 'http';
  if (/^https?:\/\/(?:raw\.|gist\.)?githubusercontent\.com\//i.test(address)) return 'http';
  if (/\/releases\/(?:latest\/)?download\/|\/-\/raw\/|\/raw\//.test(path)) return 'http';
  return /^https?:\/\/(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|gitea\.com)\//i.test(address)
    ? 'git'
    : 'either';
}
