// SPDX-License-Identifier: Apache-2.0
import { Option } from 'commander';

/** --definition. */
export const definitionOption = () =>
  new Option(
    '--definition <file>',
    'the distribution to build (default: ./distribution.yaml, else the one that comes with Oakum)',
  );

/** --json. */
export const jsonOption = () =>
  new Option('--json', 'print the result as JSON on stdout, progress as JSON lines on stderr');

/** --quiet. */
export const quietOption = () => new Option('--quiet', 'print warnings and the result alone').conflicts('json');

/** Gathers a flag's values: comma-separated, and from each time the flag is given. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [
    ...before,
    ...text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ];
}
