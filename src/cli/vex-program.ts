// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { collect, definitionOption, jsonOption, plainHttpOption, quietOption, withSigning } from './options.ts';
import { VEX_NAMESPACE } from './vex-namespace.ts';
import type { World } from './world.ts';

const folderOption = () => new Option('--folder <folder>', 'where the decisions are').default('vex');

/** Adds `oakum vex` and what is below it. */
export function addVex(program: Command, world: () => World): void {
  const vex = program
    .command('vex')
    .description('record, check and publish what was decided about vulnerabilities')
    .helpCommand(false);
  addAdd(vex, world);
  vex
    .command('check')
    .description('check all decisions, and show which are over')
    .addOption(folderOption())
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Exit code 0: all decisions hold. 1: the review date of some has come, so their findings are open again. 3: a file is faulty.

Examples:
  oakum vex check
  oakum vex check --json`,
    )
    .action(async (flags) => (await import('./commands/vex.ts')).checkDecisions(flags, world()));
  addExport(vex, world);
  addAttach(vex, world);
}

function addAdd(vex: Command, world: () => World): void {
  vex
    .command('add')
    .description('add a decision to vex/VULNERABILITY.yaml, if it and all others are sound')
    .argument('<vulnerability>', 'its id, like CVE-2026-12345 or GO-2026-6061')
    .addOption(
      new Option('--status <status>', 'what was decided')
        .choices(['not_affected', 'affected', 'fixed', 'under_investigation'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--justification <justification>', 'why not_affected').choices([
        'component_not_present',
        'vulnerable_code_not_present',
        'vulnerable_code_not_in_execute_path',
        'vulnerable_code_cannot_be_controlled_by_adversary',
        'inline_mitigations_already_exist',
      ]),
    )
    .requiredOption('--reason <text>', 'why, in a sentence that users will read')
    .option('--action <text>', 'what users are to do, for affected')
    .requiredOption('--author <person>', 'who decided')
    .option('--review <date>', 'when it must be looked at again (default: in 180 days, at most 366)')
    .addOption(new Option('--alias <ids>', 'other ids of the same').argParser(collect))
    .addOption(
      new Option('--package <purls>', 'the packages it is about; without version, any version')
        .argParser(collect)
        .makeOptionMandatory(),
    )
    .addOption(new Option('--component <names>', 'only in these components').argParser(collect))
    .addOption(new Option('--channel <names>', 'only in these channels').argParser(collect))
    .addOption(
      new Option('--release <releases>', 'only in these lines, releases or revisions: 2.9, 2.9.2').argParser(collect),
    )
    .addOption(new Option('--platform <os/arch>', 'only on these platforms').argParser(collect))
    .addOption(folderOption())
    .addOption(definitionOption())
    .addHelpText(
      'after',
      `
Examples:
  oakum vex add CVE-2026-12345 --alias GO-2026-6061 --status not_affected --justification vulnerable_code_not_present \\
    --reason "The vulnerable file is not compiled in." --author jane@example.com --package pkg:golang/golang.org/x/net
  oakum vex add CVE-2026-12345 --status affected --reason "Chart templates reach it." --action "Update to 2.9.2-r1." \\
    --author jane@example.com --package pkg:golang/helm.sh/helm/v3 --component helm-controller --review 2027-02-01`,
    )
    .action(async (id, flags) => (await import('./commands/vex.ts')).addVexDecision(id, flags, world()));
}

function addExport(vex: Command, world: () => World): void {
  vex
    .command('export')
    .description('write what holds now about the images of a release')
    .argument('[release]', 'a release.json, or the folder that holds it', 'out')
    .addOption(
      new Option('--format <format>', 'OpenVEX 0.2.0, or the ids for Trivy')
        .choices(['openvex', 'trivyignore'])
        .default('openvex'),
    )
    .option('--scan <file>', 'what `oakum scan --json` printed of that release; trivyignore needs it')
    .option('--output <file>', 'write there instead of stdout')
    .option('--author <name>', "the document's author (default: the definition's vendor)")
    .option('--namespace <iri>', "what the document's @id begins with", VEX_NAMESPACE)
    .addOption(folderOption())
    .addOption(definitionOption())
    .addHelpText(
      'after',
      `
Products are the images' digests, each architecture apart, so a document says nothing of any other revision.
Exit code 1: no decision is about these images, and nothing is written, since OpenVEX knows no empty document.

Examples:
  oakum vex export > vex.json
  oakum vex export out --format trivyignore --scan scan.json --output .trivyignore`,
    )
    .action(async (release, flags) => (await import('./commands/vex.ts')).exportVex(release, flags, world()));
}

function addAttach(vex: Command, world: () => World): void {
  withSigning(vex.command('attach'))
    .description('sign what holds now about each image of a release, and attach it')
    .argument('[release]', 'a release.json, or the folder that holds it', 'out')
    .option('--to <registry>', 'the images there (default: those of the OCI layout beside the release document)')
    .option('--author <name>', "the documents' author (default: the definition's vendor)")
    .option('--namespace <iri>', "what the documents' @id begins with", VEX_NAMESPACE)
    .addOption(plainHttpOption())
    .addOption(folderOption())
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText(
      'after',
      `
Each image gets an OpenVEX document of its own, as an in-toto attestation that \`cosign verify-attestation --type openvex\` reads.
What is attached already is not signed again; earlier documents stay.
Exit code 1: no decision is about these images, and nothing is attached.

Examples:
  oakum vex attach
  oakum vex attach out --to registry.example.com/flux --key release.key`,
    )
    .action(async (release, flags) =>
      (await import('./commands/vex-attach.ts')).attachDecisions(release, flags, world()),
    );
}
