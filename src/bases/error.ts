// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

/** Codes of {@link BaseError}. */
export type BaseErrorCode =
  | 'BASE_IMAGE_FOREIGN'
  | 'BASE_IMAGE_INVALID'
  | 'BASE_IMAGE_PLATFORM'
  | 'BASE_IMAGE_UNCHECKED'
  | 'BASE_IMAGE_UNREADABLE'
  | 'BASE_IMAGE_UNTRUSTED'
  | 'BASE_KEYRING_INVALID'
  | 'BASE_SOURCES_INVALID'
  | 'BASE_MIRROR_MISSING'
  | 'BASE_SUITE_MISSING'
  | 'BASE_RELEASE_UNSIGNED'
  | 'BASE_RELEASE_SIGNATURE'
  | 'BASE_RELEASE_INVALID'
  | 'BASE_RELEASE_SUITE'
  | 'BASE_RELEASE_EXPIRED'
  | 'BASE_RELEASE_FUTURE'
  | 'BASE_RELEASE_ROLLBACK'
  | 'BASE_INDEX_MISSING'
  | 'BASE_INDEX_DIFFERS'
  | 'BASE_INDEX_INVALID'
  | 'BASE_INDEX_UNSIGNED'
  | 'BASE_INDEX_SIGNATURE'
  | 'BASE_INDEX_BRANCH'
  | 'BASE_INDEX_FUTURE'
  | 'BASE_INDEX_EXPIRED'
  | 'BASE_INDEX_ROLLBACK'
  | 'BASE_SHA1_REFUSED'
  | 'BASE_REPOSITORY_INVALID'
  | 'BASE_PACKAGE_UNKNOWN'
  | 'BASE_PACKAGE_SIGNATURE'
  | 'BASE_UNSATISFIABLE'
  | 'BASE_PACKAGE_GONE'
  | 'BASE_PACKAGE_DIFFERS'
  | 'BASE_PACKAGE_INVALID'
  | 'BASE_PACKAGE_MISNAMED'
  | 'BASE_FILE_CONFLICT'
  | 'BASE_LINK_ESCAPES'
  | 'BASE_ROOT_UNCLEAN';

const FAMILIES: Partial<Readonly<Record<BaseErrorCode, ErrorFamily>>> = {
  BASE_IMAGE_PLATFORM: 'definition',
  BASE_IMAGE_UNCHECKED: 'network',
  BASE_KEYRING_INVALID: 'definition',
  BASE_SOURCES_INVALID: 'machine',
  BASE_MIRROR_MISSING: 'usage',
  BASE_SUITE_MISSING: 'network',
  BASE_INDEX_MISSING: 'network',
  BASE_SHA1_REFUSED: 'machine',
  BASE_REPOSITORY_INVALID: 'definition',
  BASE_PACKAGE_UNKNOWN: 'definition',
  BASE_UNSATISFIABLE: 'definition',
  BASE_PACKAGE_GONE: 'network',
  BASE_FILE_CONFLICT: 'definition',
};

/** What can go wrong between a distribution's archive, or an image, and a root tree. Where not said otherwise, it is a matter of proof. */
export class BaseError extends OakumError<BaseErrorCode> {
  constructor(code: BaseErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code] ?? 'proof', code, message, details);
  }
}

/** What is said of an entry that leads out of a root, or lies where it must not; `root` is what the definition calls it. */
export function escapes(path: string, what: string, root = 'the base'): BaseError {
  return new BaseError('BASE_LINK_ESCAPES', `/${path} ${what}`, {
    hint: `Take its package out of \`packages\` of ${root} in the definition.`,
  });
}
