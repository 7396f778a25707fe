// SPDX-License-Identifier: Apache-2.0
// Writes the files that are made from code. With --check it writes nothing and fails where a committed one differs.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatCliReference } from '#cli';
import { formatRules } from '#consumers';
import { replaceFile } from '#core';
import { definitionJsonSchema } from '#definition';
import { policyJsonSchema } from '#evidence';
import { releaseJsonSchema } from '#release';
import { scanJsonSchema } from '#vulnerabilities';

const root = resolve(import.meta.dirname, '..');

/** Gives a page with the table of rules between its marks. */
async function withRules(name: string): Promise<string> {
  const text = await readFile(join(root, name), 'utf8');
  return text.replace(
    /(<!-- rules: .* -->\n)[^]*?(<!-- \/rules -->)/,
    (_, from: string, to: string) => from + formatRules() + to,
  );
}

const files: Readonly<Record<string, string>> = {
  'schema/distribution.schema.json': `${JSON.stringify(definitionJsonSchema(), null, 2)}\n`,
  'schema/policy.schema.json': `${JSON.stringify(policyJsonSchema(), null, 2)}\n`,
  'schema/release.schema.json': `${JSON.stringify(releaseJsonSchema(), null, 2)}\n`,
  'schema/scan.schema.json': `${JSON.stringify(scanJsonSchema(), null, 2)}\n`,
  'docs/cli.md': formatCliReference(),
  'docs/preflight.md': await withRules('docs/preflight.md'),
};

for (const [name, content] of Object.entries(files)) {
  const file = join(root, name);
  if (!process.argv.includes('--check')) await replaceFile(file, content);
  else if ((await readFile(file, 'utf8').catch(() => '')) !== content) {
    console.error(`${name} is not what the code makes: run \`node --conditions=oakum-source scripts/generate.ts\``);
    process.exitCode = 1;
  }
}
