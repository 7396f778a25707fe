// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';

const FOLDER = '/oakum';
/** Sorts last among a package's files, and no upstream has it. */
const NAME = 'zz_oakum_fipsonly.go';

const SOURCE = `//go:build boringcrypto

package main

import _ "crypto/tls/fipsonly"
`;

/**
 * The import that restricts TLS to what FIPS 140 approves (Go's package crypto/tls/fipsonly), as a file that the go command sees in the
 * main package (`go help build`, -overlay): the source itself stays as upstream published it.
 */
export const TLS_OVERLAY = {
  flag: `-overlay=${FOLDER}/overlay.json`,
  /** Takes the folder of the main package; gives the files, by their places in the sandbox. */
  files: (mainFolder: string): readonly { readonly path: string; readonly text: string }[] => [
    { path: `${FOLDER}/${NAME}`, text: SOURCE },
    {
      path: `${FOLDER}/overlay.json`,
      text: `${JSON.stringify({ Replace: { [posix.join(mainFolder, NAME)]: `${FOLDER}/${NAME}` } })}\n`,
    },
  ],
} as const;
