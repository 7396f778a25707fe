// SPDX-License-Identifier: Apache-2.0

/** What the `@id` of a VEX document begins with where nothing else is said. A file of its own: the flags need it at every start. */
export const VEX_NAMESPACE = 'https://openvex.dev/docs/public';
