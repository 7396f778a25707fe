// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config';

const conditions = ['oakum-source', 'node']; // not 'import': Node would take it for what is required too

/** `npm test` runs the project `unit` (beside the code and in test/); `npm run test:system` runs `system`. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: process.env['CI'] ? ['default', './test/counts.ts'] : ['default', './test/counts.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['src/**/*.test.ts', 'test/*.test.ts', 'test/conformance/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          testTimeout: 30 * 60_000,
          hookTimeout: 30 * 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
