// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { DEFECT_EXIT_CODE, EXIT_CODES, NOT_TRUSTED_EXIT_CODE } from './exit-codes.ts';
import { createProgram } from './program.ts';

/** Gives docs/cli.md: every command's help, and the exit codes, from the program itself. */
export function formatCliReference(): string {
  const program = createProgram('0', {
    world: () => {
      throw new TypeError('the reference runs no command');
    },
  });
  program.configureHelp({ helpWidth: 100 });
  const codes = Object.entries(EXIT_CODES).map(([family, { code, meaning }]) => `| ${code} | ${family} | ${meaning} |`);
  const rows = [
    '| 0 | | Done; for `verify`: every image is trusted; for `scan`: nothing found, and everything checked. |',
    `| ${NOT_TRUSTED_EXIT_CODE} | | A verdict, not an error: \`verify\` checked everything, and an image is not to be trusted; \`feeds update\`: a feed failed; \`scan\`: there are findings; \`store refresh\`: a finding appeared; \`debug compare-versions\`: a line is wrong. |`,
    ...codes,
    `| ${DEFECT_EXIT_CODE} | defect | A defect of Oakum itself; please report it. |`,
  ];
  return [
    '# The command line',
    '<!-- Made by scripts/generate.ts from the program; do not edit. -->',
    ...commandsOf(program, 'oakum').map(
      ({ name, command }) => `## ${name}\n\n\`\`\`\n${helpOf(command).trim()}\n\`\`\``,
    ),
    '## Exit codes',
    ['| code | family | meaning |', '|---|---|---|', ...rows].join('\n'),
    '## Environment',
    ENVIRONMENT,
  ]
    .join('\n\n')
    .concat('\n');
}

const ENVIRONMENT = `| variable | meaning |
|---|---|
| OAKUM_CACHE | the cache folder; default XDG's, for root /var/cache/oakum |
| OAKUM_DATA | the folder for state that must not be lost (newest log heads and package indexes seen, vulnerability feeds); default XDG's, for root /var/lib/oakum |
| OAKUM_FEEDS_MIRROR | the mirror of the vulnerability feeds; --mirror comes before it, feeds.mirror of the definition after it |
| OAKUM_TRACE | print a stack trace with an error, for defect reports |
| GOPROXY, GOSUMDB | Go module proxies and checksum database, where the definition names none; then \`go env\` is asked |
| HTTP_PROXY, HTTPS_PROXY, NO_PROXY | web proxies |
| NODE_EXTRA_CA_CERTS | a file of more trusted certificate authorities (PEM) |
| DOCKER_CONFIG, REGISTRY_AUTH_FILE | where registry credentials are read |
| NO_COLOR, CI, TERM | how progress is shown |`;

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text;
}

function commandsOf(command: Command, name: string): { name: string; command: Command }[] {
  return [{ name, command }, ...command.commands.flatMap((child) => commandsOf(child, `${name} ${child.name()}`))];
}
