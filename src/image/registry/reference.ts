// SPDX-License-Identifier: Apache-2.0
import { type Digest, isDigest } from '#core';
import { ImageError } from '../error.ts';

/** A repository in a registry: `registry.example.com:5000` and `flux/source-controller`. */
export interface RepositoryName {
  readonly registry: string;
  readonly repository: string;
}

/** An image in a registry, by tag, by digest or by both; where both are there the digest decides. */
export interface Reference extends RepositoryName {
  readonly tag?: string;
  readonly digest?: Digest;
}

// distribution-spec 1.1, "Pulling manifests": the grammars of <name> and <reference>; the host's is RFC 3986's host and port.
const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$/;
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const HINT = 'Write REGISTRY/REPOSITORY:TAG, for example registry.example.com/flux/source-controller:v1.9.3.';

/**
 * Takes `HOST[:PORT]/REPOSITORY[:TAG][@sha256:HEX]`; gives its parts. The registry must be named: there is no default one,
 * so that a forgotten host never pushes to a public registry. Throws `REFERENCE_INVALID` saying what is wrong.
 */
export function parseReference(text: string): Reference {
  const fail = (what: string) =>
    new ImageError('REFERENCE_INVALID', `not an image reference: ${what}`, { where: text, hint: HINT });
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    throw fail('after @ must come sha256: and 64 lower-case hex digits (other digest algorithms are not supported)');
  }
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const hasTag = colon >= 0 && named.includes('/');
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) {
    throw fail(`the tag ${JSON.stringify(tag)} may hold letters, digits, ".", "_", "-", 128 at most`);
  }
  const { registry, repository } = parseName(hasTag ? named.slice(0, colon) : named, fail);
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** Takes `HOST[:PORT]/REPOSITORY` without tag and digest, as `--to` has it. Throws `REFERENCE_INVALID`. */
export function parseRepository(text: string): RepositoryName {
  return parseName(
    text,
    (what) =>
      new ImageError('REFERENCE_INVALID', `not a repository: ${what}`, {
        where: text,
        hint: 'Write REGISTRY/REPOSITORY, for example registry.example.com/flux.',
      }),
  );
}

/** Gives the text of a reference or repository, as {@link parseReference} reads it. */
export function formatReference(reference: RepositoryName | Reference): string {
  const { registry, repository, tag, digest } = reference as Reference;
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function parseName(text: string, fail: (what: string) => ImageError): RepositoryName {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) throw fail('it must not begin with a scheme such as https://');
  const slash = text.indexOf('/');
  const registry = slash < 0 ? '' : text.slice(0, slash);
  const repository = text.slice(slash + 1);
  const isHost = registry === 'localhost' || /[.:]/.test(registry);
  if (!isHost) throw fail('it names no registry (a host name with a dot or a port, or localhost)');
  if (!HOST.test(registry)) throw fail(`${JSON.stringify(registry)} is no host name`);
  if (Number(/[^\]]:(\d+)$|\]:(\d+)$/.exec(registry)?.slice(1).find(Boolean) ?? 1) > 65_535) {
    throw fail('the port is above 65535');
  }
  if (/[A-Z]/.test(repository)) throw fail('the repository must be lower case');
  if (!PATH.test(repository)) {
    throw fail(`the repository ${JSON.stringify(repository)} may hold a-z, 0-9, "/" and single ".", "_", "-" inside`);
  }
  // distribution-spec 1.1: many clients limit host and name together to 255 characters.
  if (text.length > 255) throw fail('host and repository together have more than 255 characters');
  return { registry: registry.toLowerCase(), repository };
}
