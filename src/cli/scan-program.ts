// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import {
  certificateOptions,
  collect,
  definitionOption,
  jsonOption,
  plainHttpOption,
  quietOption,
  withSigningServices,
} from './options.ts';
import type { World } from './world.ts';

const WHAT_SCAN_DOES = `
Targets:
  an image: REGISTRY/REPOSITORY:TAG, or oci:FOLDER:NAME for an OCI layout; by its SBOM, else by its layers
  a file: an SBOM (SPDX 2 or CycloneDX in JSON, of any tool), a Go program, or a go.mod
  a release: 2.9.2, as \`oakum release\` has written it into ./out
--reachability runs govulncheck on the very sources that were compiled, as definition and lock name them: about a minute a program, once;
without it a scan shows what is known already.
--record seals the log by a key, or, where --certificate-identity and --certificate-oidc-issuer name one, by the identity of the token at hand;
\`oakum sla check\` takes the same flags.
The feeds must be on disk (\`oakum feeds update\`); a scan asks no network but the registry's.
Exit code 0: nothing found, and everything could be checked. 1: findings. 4: nothing found, but not everything could be checked.

Examples:
  oakum scan 2.9.2
  oakum scan 2.9.2 --reachability --platform linux/amd64
  oakum scan 2.9.2 --record
  oakum scan 2.9.2 --published --certificate-identity release@example.com --certificate-oidc-issuer https://accounts.example.com
  oakum scan registry.example.com/distroless/source-controller:v1.9.3 --platform linux/amd64
  oakum scan oci:out/oci:distroless/source-controller:v1.9.3 --format sarif > scan.sarif
  oakum scan sbom.spdx.json bin/manager go.mod --json`;

/** Adds `oakum scan`. */
export function addScan(program: Command, world: () => World): void {
  const scan = withSigningServices(program.command('scan'))
    .description('find known vulnerabilities in images, SBOMs, Go programs and go.mod files')
    .argument('<targets...>', 'what to scan')
    .addOption(
      new Option('--format <format>', 'how to print')
        .choices(['table', 'json', 'sarif', 'csv', 'markdown'])
        .default('table'),
    )
    .addOption(new Option('--platform <os/arch>', 'only these platforms of images').argParser(collect))
    .option('--feeds <folder>', 'the data folder that holds the feeds (default: as OAKUM_DATA says)')
    .option(
      '--reachability',
      'analyse whether the vulnerable code of images that Oakum built can be reached, where that is not known yet',
    )
    .option('--unsandboxed', 'analyse without a sandbox where this machine has none')
    .addOption(plainHttpOption())
    .option('--no-store', 'do not keep the scan for `oakum findings`')
    .option('--record', 'note what is new about the release in ./out in the SLA log, judged by the decisions')
    .option('--published', 'as --record; and users can pull these images, so clocks of what is gone from them stop')
    .addOption(new Option('--folder <folder>', 'where the decisions are').default('vex'))
    .option('--key <key>', "the key that seals the log: a file, or awskms:// (default: this machine's own)")
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_SCAN_DOES)
    .action(async (targets, flags) => (await import('./commands/scan.ts')).scanTargets(targets, flags, world()));
  for (const option of certificateOptions('the certificate that sealed it')) scan.addOption(option.conflicts('key'));
}

/** Adds `oakum debug` and what is below it: checks of Oakum itself. */
export function addDebug(program: Command, world: () => World): void {
  const debug = program.command('debug').description("check parts of Oakum against others' data").helpCommand(false);
  debug
    .command('compare-versions')
    .description('check a file of version pairs against the order Oakum uses')
    .addOption(new Option('--scheme <scheme>', 'whose order').choices(['go', 'debian', 'alpine']).makeOptionMandatory())
    .requiredOption('--file <file>', 'lines "A < B", "A = B" or "A > B"; those with # first are comments')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Scheme go takes semantic versions, with or without v. Exit code 1: a line is wrong; the first such is named.

Examples:
  oakum debug compare-versions --scheme alpine --file versions.txt`,
    )
    .action(async (flags) => (await import('./commands/compare-versions.ts')).compareVersions(flags, world()));
}
