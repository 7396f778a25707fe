// SPDX-License-Identifier: Apache-2.0
import { digestOf, hexOf } from '#core';
import type { NOTICE_KINDS } from '#definition';

/** One of {@link NOTICE_KINDS}. */
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** One thing to tell. The same thing has the same `id`, whichever run notices it, so that nobody is told twice. */
export interface Notice {
  readonly id: string;
  readonly kind: NoticeKind;
  /** What it is about, such as `2.9.2-r1` or `GO-2026-1234`. */
  readonly subject: string;
  /** One or a few sentences for people, without markup. */
  readonly text: string;
  /** The same for programs. */
  readonly data: Readonly<Record<string, unknown>>;
  /** When it was noticed, RFC 3339. */
  readonly time: string;
}

/** What {@link toNotice} takes; `key` are the facts that tell this notice from others of its kind. */
export interface NoticeDraft extends Omit<Notice, 'id' | 'time'> {
  readonly key: readonly string[];
}

/** Gives a notice; its id comes from its kind and key alone. */
export function toNotice({ key, ...draft }: NoticeDraft, now: Date): Notice {
  const id = hexOf(digestOf(JSON.stringify([draft.kind, ...key]))).slice(0, 32);
  return { id, ...draft, time: now.toISOString() };
}
