// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type HttpError, type HttpResponse, messageOf, readBody } from '#core';
import { ImageError, type ImageErrorCode } from '../error.ts';

/** What was being done when a registry failed, in words: `push to`, `flux/source-controller`. */
export interface Undertaking {
  readonly registry: string;
  readonly repository: string;
  /** A verb phrase before the repository's name: "push to", "pull from". */
  readonly verb: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** Where the credentials came from; undefined when there were none. */
  readonly credentialsFrom: string | undefined;
}

/** What a registry says of an error (distribution-spec 1.1, "Error Codes"), made safe to show. */
export interface RegistryComplaint {
  readonly code: string;
  readonly message: string;
}

const complaintSchema = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().nullish() })).min(1),
});

const MAX_COMPLAINT = 65_536;
const TLS_CODES =
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH|ERR_OSSL)/;
const PLAIN_CODES = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST']);
const HOPELESS_CODES = new Set(['ENOTFOUND', 'ERR_INVALID_URL', 'UND_ERR_INVALID_ARG']);

/** Reads an error answer's first complaint; undefined when the body is not of the spec's form, so perhaps no registry's. */
export async function readComplaint(response: HttpResponse): Promise<RegistryComplaint | undefined> {
  try {
    const parsed = complaintSchema.safeParse(JSON.parse((await readBody(response, MAX_COMPLAINT)).toString('utf8')));
    const first = parsed.data?.errors[0];
    return first === undefined ? undefined : { code: shown(first.code), message: shown(first.message ?? '') };
  } catch {
    return undefined;
  }
}

/** Takes an answer that is not what was asked for; gives the error to throw. Reads the body. */
export async function toRefusal(response: HttpResponse, undertaking: Undertaking): Promise<ImageError> {
  const complaint = await readComplaint(response);
  const said = complaint === undefined ? `HTTP ${response.status}` : sayingOf(complaint);
  const [code, message, hint] = REFUSALS[kindOf(response.status, complaint?.code)]({ ...undertaking, said });
  return new ImageError(code, message, { where: `${undertaking.registry}/${undertaking.repository}`, hint });
}

type Wording = (facts: Undertaking & { readonly said: string }) => readonly [ImageErrorCode, string, string];

const REFUSALS: Readonly<Record<Kind, Wording>> = {
  unauthorized: ({ registry, repository, verb, credentialsFrom, said }) => [
    'REGISTRY_UNAUTHORIZED',
    credentialsFrom === undefined
      ? `${registry} wants credentials to ${verb} ${repository}, and none were found (${said})`
      : `${registry} does not accept the credentials from ${credentialsFrom} to ${verb} ${repository} (${said})`,
    `Log in with: docker login ${registry} (or crane auth login ${registry}). DOCKER_CONFIG and REGISTRY_AUTH_FILE name other credential files.`,
  ],
  denied: ({ registry, repository, verb, credentialsFrom, said }) => [
    'REGISTRY_DENIED',
    `${registry} does not allow to ${verb} ${repository} with ${credentialsFrom === undefined ? 'no credentials' : `the credentials from ${credentialsFrom}`} (${said})`,
    'Check the repository name and ask its owner for the right to do this.',
  ],
  throttled: ({ registry, attempts, said }) => [
    'REGISTRY_THROTTLED',
    `${registry} refuses for too many requests${triesOf(attempts)} (${said})`,
    'Wait a while and run the command again: what has arrived is not sent again.',
  ],
  failed: ({ registry, attempts, said }) => [
    'REGISTRY_FAILED',
    `${registry} is in trouble of its own${triesOf(attempts)} (${said})`,
    "Try again later; if it lasts, ask the registry's operator.",
  ],
  'name-unknown': ({ registry, repository, said }) => [
    'REGISTRY_NAME_UNKNOWN',
    `${registry} has no repository ${repository} (${said})`,
    'Check the name; some registries want a repository to be created before the first push.',
  ],
  'manifest-unknown': ({ registry, repository, said }) => [
    'MANIFEST_UNKNOWN',
    `${registry} has no such image in ${repository} (${said})`,
    'Check the tag or digest.',
  ],
  'blob-unknown': ({ registry, repository, said }) => [
    'BLOB_MISSING',
    `${registry} lacks content of an image in ${repository} (${said})`,
    'Push the image again.',
  ],
  digest: ({ registry, repository, said }) => [
    'BLOB_DIGEST_MISMATCH',
    `${registry} received other bytes than were sent to ${repository} (${said})`,
    'Run the command again; if it recurs, something between here and the registry damages data.',
  ],
  other: ({ registry, repository, verb, said }) => [
    'REGISTRY_REFUSED',
    `${registry} refuses to ${verb} ${repository} (${said})`,
    `Check that ${registry} is an OCI registry that supports this.`,
  ],
};

/** Takes a failure to get an answer; gives the error to throw. `attempts` is how often it was tried. */
export function toNetworkFailure(error: HttpError, registry: string, attempts: number): ImageError {
  const codes = codesOf(error);
  const details = { where: error.where ?? registry, cause: error };
  if (isPlainAnswer(error)) {
    return new ImageError('REGISTRY_PLAIN_HTTP', `${registry} answers with plain HTTP where HTTPS was expected`, {
      ...details,
      hint: 'If this registry has no TLS and the network is trusted, allow plain HTTP for it explicitly (--plain-http).',
    });
  }
  if (isTlsFault(error)) {
    return new ImageError('REGISTRY_TLS', `the TLS certificate of ${registry} is not trusted: ${messageOf(error)}`, {
      ...details,
      hint: 'If the registry uses a CA of your own, name its certificate (NODE_EXTRA_CA_CERTS, or the CA option).',
    });
  }
  if (error.code === 'HTTP_REDIRECT') {
    return new ImageError(
      'REGISTRY_REFUSED',
      `${registry} redirects to where it must not: ${messageOf(error)}`,
      details,
    );
  }
  const dropped = codes.some((code) =>
    ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_BODY_TIMEOUT'].includes(code),
  );
  const tries = triesOf(attempts);
  const still = attempts === 1 ? '' : 'still ';
  return new ImageError(
    dropped || error.code === 'HTTP_BODY_CUT' ? 'REGISTRY_DROPPED' : 'REGISTRY_UNREACHABLE',
    dropped || error.code === 'HTTP_BODY_CUT'
      ? `${registry} ${still}drops the connection${tries} (${messageOf(error)})`
      : `${registry} can't be reached${tries} (${messageOf(error)})`,
    { ...details, ...(error.hint === undefined ? {} : { hint: error.hint }) },
  );
}

/** Says whether trying again can help; a wrong certificate or an unknown host name stays what it is. */
export function mayPass(error: HttpError): boolean {
  return (
    error.code !== 'HTTP_REDIRECT' && !isTlsFault(error) && !codesOf(error).some((code) => HOPELESS_CODES.has(code))
  );
}

/** Says whether the failure lies in TLS: a certificate, or a peer that does not speak it. */
export function isTlsFault(error: unknown): boolean {
  return codesOf(error).some((code) => TLS_CODES.test(code));
}

/** Says whether the peer answered TLS with plain text, as a plain HTTP server does. */
export function isPlainAnswer(error: unknown): boolean {
  return codesOf(error).some((code) => PLAIN_CODES.has(code));
}

/** Gives the system's codes along the chain of causes. */
function codesOf(error: unknown): readonly string[] {
  const codes: string[] = [];
  let current = error as { code?: unknown; cause?: unknown; errors?: unknown[] } | undefined;
  for (let depth = 0; depth < 6 && typeof current === 'object' && current !== null; depth += 1) {
    if (typeof current.code === 'string') codes.push(current.code);
    current = (current.cause ?? current.errors?.[0]) as typeof current;
  }
  return codes;
}

type Kind =
  | 'unauthorized'
  | 'denied'
  | 'throttled'
  | 'failed'
  | 'name-unknown'
  | 'manifest-unknown'
  | 'blob-unknown'
  | 'digest'
  | 'other';

function kindOf(status: number, code: string | undefined): Kind {
  if (status === 429 || code === 'TOOMANYREQUESTS') return 'throttled';
  if (status === 401) return 'unauthorized';
  if (status === 403 || code === 'DENIED') return 'denied';
  if (status >= 500 && status !== 501) return 'failed';
  if (code === 'NAME_UNKNOWN') return 'name-unknown';
  if (code === 'MANIFEST_UNKNOWN') return 'manifest-unknown';
  if (code === 'BLOB_UNKNOWN' || code === 'MANIFEST_BLOB_UNKNOWN') return 'blob-unknown';
  return code === 'DIGEST_INVALID' ? 'digest' : 'other';
}

function sayingOf(complaint: RegistryComplaint): string {
  return complaint.message === '' ? complaint.code : `${complaint.code}: ${complaint.message}`;
}

function triesOf(attempts: number): string {
  return attempts === 1 ? '' : ` after ${attempts} tries`;
}

/** Makes a stranger's text fit for one line of a terminal. */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').slice(0, 200);
}
