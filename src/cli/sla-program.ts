// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { certificateOptions, collect, definitionOption, jsonOption } from './options.ts';
import type { World } from './world.ts';

const logOption = () => new Option('--log <file>', "the event log (default: the distribution's in the data folder)");
const keyOption = () =>
  new Option(
    '--key <files>',
    "public keys (PEM) of which one must have sealed the log (default: this machine's own key)",
  ).argParser(collect);

/** Adds `oakum sla` and what is below it. */
export function addSla(program: Command, world: () => World): void {
  const sla = program
    .command('sla')
    .description('show the clocks of vulnerabilities, and check the log they are read from')
    .helpCommand(false);
  const report = sla
    .command('report')
    .description('every clock, met and missed; time to fix by severity; breaches; what will breach when')
    .option('--from <time>', 'a day or an RFC 3339 time (default: 90 days before the end)')
    .option('--to <time>', 'likewise, a day being meant to its end; the report says what was known then (default: now)')
    .addOption(new Option('--format <format>', 'how to write it').choices(['html', 'json', 'csv']).default('html'))
    .option('--output <file>', 'write there instead of stdout')
    .addOption(logOption())
    .addOption(definitionOption())
    .addHelpText(
      'after',
      `
The log is checked first; of one that is not as it was written, no report is made. Times are UTC.
The same log and policy give the same report of a past time on any later day.

Examples:
  oakum sla report --from 2026-07-01 --to 2026-09-30 --output report.html
  oakum sla report --format csv > clocks.csv`,
    )
    .action(async (flags) => (await import('./commands/sla.ts')).reportClocks(flags, world()));
  const check = sla
    .command('check')
    .description('check that no event was changed, removed or added')
    .addOption(logOption())
    .option('--holds <digest>', 'a head that an earlier check showed; shows a log that was cut off')
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Exit code 0: the log is as it was written. 1: it is not; each place is shown.

Examples:
  oakum sla check
  oakum sla check --log events.jsonl --key oakum.pub --holds sha256:...
  oakum sla check --certificate-identity release@example.com --certificate-oidc-issuer https://accounts.example.com`,
    )
    .action(async (flags) => (await import('./commands/sla.ts')).checkLog(flags, world()));
  for (const command of [report, check])
    for (const option of [keyOption(), ...certificateOptions('the certificate that sealed it')])
      command.addOption(option);
}
