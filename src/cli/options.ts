// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { OakumError } from '#core';

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

/** --component. */
export const componentOption = () =>
  new Option('--component <names>', 'only these components (comma-separated, or the flag again)').argParser(collect);

/** --channel. */
export const channelOption = () =>
  new Option(
    '--channel <names>',
    'only these channels (default: those of the definition, but such as have byDefault: false)',
  ).argParser(collect);

/** --platform. */
export const platformOption = () => new Option('--platform <os/arch>', 'only these platforms').argParser(collect);

/** --unsandboxed. */
export const unsandboxedOption = () =>
  new Option(
    '--unsandboxed',
    'compile without a sandbox where this machine has none; recorded in the release document',
  );

/** --locked. */
export const lockedOption = () => new Option('--locked', 'fail if oakum.lock lacks anything, instead of adding it');

/** --plain-http. */
export const plainHttpOption = () =>
  new Option('--plain-http', 'speak HTTP to the registry; for loopback addresses this is the default');

/** Flags that name whose certificates are believed; `certificate` says which certificate is meant. */
export const certificateOptions = (certificate: string): readonly Option[] => [
  new Option('--certificate-identity <text>', `the identity in ${certificate}, exact`),
  new Option('--certificate-identity-regexp <expression>', 'an expression for the whole identity'),
  new Option('--certificate-oidc-issuer <url>', 'who vouched for the identity, exact'),
  new Option('--certificate-oidc-issuer-regexp <expression>', 'an expression for the whole issuer'),
  new Option(
    '--trusted-root <file>',
    "Sigstore trusted root (JSON); certificates default to the public instance's, fetched through TUF",
  ),
  new Option('--transparency <proof>', 'what must prove the time: default log for certificates, none for keys').choices(
    ['log', 'timestamp', 'none'],
  ),
];

/** --vex. */
export const decisionsOption = () =>
  new Option('--vex <folder>', 'where the decisions about vulnerabilities are, which go along').default('vex');

/** Adds the flags that choose who signs and who witnesses. */
export function withSigning(command: Command): Command {
  const signing = command
    .option(
      '--key <key>',
      "sign with this key: a file, or awskms:// (default: an ambient OIDC token, else this machine's own key)",
    )
    .option('--cosign-v2-tags', 'also write the .sig and .att tags that cosign 2 reads');
  return withSigningServices(signing);
}

/** Adds the flags that name who makes certificates and who witnesses signatures. */
export function withSigningServices(command: Command): Command {
  return command
    .option('--fulcio-url <url>', 'the certificate authority for keyless signing')
    .option('--rekor-url <url>', 'the transparency log that witnesses signatures')
    .option('--tsa-url <url>', 'the timestamp authority that witnesses signatures');
}

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

/** Gives the reader of a flag that takes a whole number. */
export function parseCount(flag: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least && /^\d+$/.test(text)) return value;
    throw new OakumError('usage', 'FLAG_INVALID', `${flag} takes a whole number from ${least} on, not "${text}"`);
  };
}

/** Adds the flags that leave out parts of the proof of a patched revision. */
export function withProof(command: Command): Command {
  return command
    .option('--no-tests', "of a patched revision: do not run upstream's unit tests before and after the change")
    .option('--no-reachability', 'of a patched revision: do not run govulncheck on the patched sources');
}
