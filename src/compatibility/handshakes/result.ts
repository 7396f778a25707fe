// SPDX-License-Identifier: Apache-2.0
import { at, conditionOf, type KubernetesObject } from '#kubernetes';
import type { TlsCapabilities } from './client-hello.ts';
import type { Answer, Offer, Sight } from './offer.ts';
import type { SshCapabilities } from './ssh-packets.ts';

/** How a controller took one offer. */
export interface HandshakeResult extends Pick<Offer, 'protocol' | 'aspect' | 'name'> {
  readonly expected: Answer;
  /** `unclear` where neither was seen: then `detail` says what was. */
  readonly seen: Answer | 'unclear';
  /** What was negotiated, or why nothing was: in the controller's words, and in the server's. */
  readonly detail: string;
}

/** All handshakes of a controller. */
export interface Handshakes {
  readonly results: readonly HandshakeResult[];
  /** What it says itself that it takes, where it could be heard. */
  readonly says: { readonly tls: TlsCapabilities | undefined; readonly ssh: SshCapabilities | undefined };
}

/** What an answer is, and how it was seen. */
export interface Seen {
  readonly seen: Answer | 'unclear';
  readonly detail: string;
}

/** What Go's crypto/tls, crypto/x509 and x/crypto/ssh begin with where they refuse. */
const REFUSAL = { TLS: /\b(?:remote error: )?(?:tls|x509): .*/, SSH: /\bssh: .*/ } as const;
/**
 * Faults of the test, and no refusal of cryptography: a certificate of nobody known, for another name or time, a host that is not the
 * known one, a login that failed. Of a certificate whose hash it refuses, Go says that nobody known has issued it, and why it thinks so.
 */
const FAULT =
  /signed by unknown authority(?! \(possibly because of .*insecure algorithm)|certificate is valid for|has expired or is not yet valid|cannot validate certificate|unable to authenticate|knownhosts: /;

/**
 * Reads an answer from what a server saw of its client and what the controller says of the object that is fetched from there: accepted
 * where a handshake was completed and the object is ready, or where the server has nothing to fetch (`isBare`); refused where no
 * handshake was ever completed, one was broken, and the controller says so itself. Undefined where it is neither, yet.
 */
export function readAnswer(
  { protocol }: Pick<Offer, 'protocol'>,
  { completed, broken }: Sight,
  object: KubernetesObject | undefined,
  isBare = false,
): Seen | undefined {
  const ready = object === undefined ? undefined : conditionOf(object, 'Ready');
  const [negotiated] = completed;
  if (negotiated !== undefined && (isBare || (ready?.status === 'True' && isCurrent(object))))
    return { seen: 'accepted', detail: negotiated };
  const [said] = REFUSAL[protocol].exec(ready?.message ?? '') ?? [];
  if (
    negotiated === undefined &&
    broken.length > 0 &&
    ready?.status === 'False' &&
    said !== undefined &&
    !FAULT.test(said)
  )
    return { seen: 'refused', detail: `${said} (server: ${broken[0]})` };
  return undefined;
}

/** Tells what there is where no answer can be read. */
export function describeUnclear({ completed, broken }: Sight, object: KubernetesObject | undefined): string {
  const ready = object === undefined ? undefined : conditionOf(object, 'Ready');
  return [
    ready === undefined ? 'the controller says nothing' : `${ready.reason}: ${ready.message}`,
    completed.length > 0 ? `the server completed ${completed[0]}` : 'the server completed no handshake',
    ...broken.slice(0, 1).map((reason) => `the server broke one off: ${reason}`),
  ].join('; ');
}

function isCurrent(object: KubernetesObject | undefined): boolean {
  return at(object, 'status', 'observedGeneration') === object?.metadata.generation;
}
