// SPDX-License-Identifier: Apache-2.0
export { NotificationError } from './error.ts';
export type { NotificationErrorCode } from './error.ts';
export { NOTICE_KINDS, toNotice } from './notice.ts';
export type { Notice, NoticeDraft, NoticeKind } from './notice.ts';
export { openPost } from './post.ts';
export type { FailedDelivery, Post, PostOptions } from './post.ts';
export { openTargets } from './target.ts';
export type { SecretPlace, Target, TargetSettings } from './target.ts';
