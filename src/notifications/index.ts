// SPDX-License-Identifier: Apache-2.0

export type { NotificationErrorCode } from './error.ts';
export { NotificationError } from './error.ts';
export type { Notice, NoticeDraft, NoticeKind } from './notice.ts';
export { toNotice } from './notice.ts';
export type { FailedDelivery, Post, PostOptions } from './post.ts';
export { openPost } from './post.ts';
export type { SecretPlace, Target, TargetSettings } from './target.ts';
export { openTargets } from './target.ts';
