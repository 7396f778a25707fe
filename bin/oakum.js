#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The entry of the published package. Kept to syntax that old releases of Node can read, so that they get a sentence, not a stack trace.
const [major, minor] = process.versions.node.split('.').map(Number);
if ((major === 24 && minor >= 15) || major >= 26) {
  void import('../dist/oakum/main.js');
} else {
  console.error(
    `oakum: Node ${process.versions.node} is too old; 24.15 or newer (or 26) is needed: https://nodejs.org/en/download`,
  );
  process.exitCode = 6;
}
