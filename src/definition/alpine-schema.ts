// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** A word of apk's world: name, `@tag`, version with its operator, `!` before it for what must not be there. */
const WORD =
  /^!?[A-Za-z0-9_./:][A-Za-z0-9_./:+-]*(?:@[A-Za-z0-9][A-Za-z0-9._-]*)?(?:(?:[<>]?[=~]|[<>])[A-Za-z0-9._~+-]+)?$/;

/** A base that is composed from Alpine packages. */
export const alpineBase = z
  .strictObject({
    kind: z.literal('alpine'),
    branch: z
      .string()
      .regex(/^(?:v[0-9]+\.[0-9]+|edge|latest-stable)$/, 'must be a branch of Alpine, like v3.22 or edge')
      .describe('The branch of Alpine.'),
    repositories: z
      .array(
        z
          .string()
          .regex(
            /^(?:@[A-Za-z0-9][A-Za-z0-9._-]*\s+)?[^\s@]+$/,
            'must be main (of the branch), edge/testing (of the mirror) or an address, with "@tag " before it or not',
          ),
      )
      .min(1)
      .default(['main', 'community'])
      .describe(
        'Repositories, the first wins among equals: `main` is of the branch, `edge/testing` of the mirror, or a whole address. With `@tag ` before it only packages asked for as `name@tag`, and what they need, come from it.',
      ),
    packages: z
      .array(z.string().regex(WORD, 'must be like git, git@edge, git=2.49.1-r0, git~2.49, git>=2.49 or !git'))
      .min(1)
      .describe('Packages as in /etc/apk/world; what they need is added.'),
    mirror: z
      .string()
      .regex(/^(?:https?|file):\/\/[^\s/]*[^\s]*$/, 'must be an http, https or file URL')
      .optional()
      .describe('A mirror of Alpine. Default: OAKUM_ALPINE_MIRROR, then https://dl-cdn.alpinelinux.org/alpine.'),
    keyring: z
      .string()
      .min(1)
      .optional()
      .describe(
        "A file NAME.rsa.pub with a public key that signs the repositories, or a folder of such, beside the definition. Default: Alpine's own keys.",
      ),
    maxAgeDays: z.int().min(1).default(200).describe('The oldest index accepted, in days.'),
  })
  .describe('A root filesystem composed from Alpine packages and what they depend on.');
