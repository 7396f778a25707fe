// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { createJsonScanner } from '#formats';
import { VulnerabilityError } from '../error.ts';

/** Limits on what a tool may print: far above what seven controllers make (half a megabyte each). */
export const MAX_OUTPUT_BYTES = 64 << 20;
const MAX_MESSAGES = 200_000;
const MAX_DEPTH = 64;

const text = z.string().max(4096);
const module = z.object({ path: text, version: text.optional() });
const position = z.object({ filename: text.optional(), line: z.int().min(0), column: z.int().min(0) });
const frame = z.object({
  module: text,
  version: text.optional(),
  package: text.optional(),
  function: text.optional(),
  receiver: text.optional(),
  position: position.optional(),
});
const config = z.object({
  protocol_version: text,
  scanner_name: text.optional(),
  db_last_modified: z.iso.datetime({ offset: true }),
  go_version: text,
  scan_level: z.literal('symbol'),
  scan_mode: z.literal('source'),
});

/** A message of govulncheck's stream has exactly one of these (its package `internal/govulncheck`, protocol v1.0.0). */
const message = z.union([
  z.strictObject({ config }),
  z.strictObject({ progress: z.object({ message: text.optional() }) }),
  z.strictObject({ SBOM: z.object({ go_version: text.optional(), modules: z.array(module), roots: z.array(text) }) }),
  z.strictObject({ osv: z.object({ id: text.min(1) }) }),
  z.strictObject({ finding: z.object({ osv: text.min(1), trace: z.array(frame).min(1).max(10_000) }) }),
]);

/** What the stream says was analysed. */
export type ToolConfig = z.output<typeof config>;

/** One finding of the tool: its trace begins at the vulnerable symbol, package or module. */
export type ToolFinding = Extract<z.output<typeof message>, { finding: unknown }>['finding'];

/** What is read of a whole stream. */
export interface ToolOutput {
  readonly config: ToolConfig;
  readonly roots: readonly string[];
  readonly modules: readonly { readonly path: string; readonly version?: string | undefined }[];
  readonly advisories: ReadonlySet<string>;
  readonly findings: readonly ToolFinding[];
}

/**
 * Reads what `govulncheck -format json` printed: JSON objects one after the other. The output is a stranger's: each message is
 * checked, the first must be the configuration, there must be one list of modules, and no finding may name an advisory that was
 * not shown. Throws `REACHABILITY_INVALID`.
 */
export function readToolOutput(bytes: Uint8Array): ToolOutput {
  if (bytes.length > MAX_OUTPUT_BYTES) throw invalid(`it is longer than ${MAX_OUTPUT_BYTES} bytes`);
  let count = 0;
  let sbom: Pick<ToolOutput, 'roots' | 'modules'> | undefined;
  let settings: ToolConfig | undefined;
  const advisories = new Set<string>();
  const findings: ToolFinding[] = [];
  for (const value of splitValues(bytes)) {
    count += 1;
    if (count > MAX_MESSAGES) throw invalid(`it has more than ${MAX_MESSAGES} messages`);
    const parsed = message.safeParse(value);
    if (!parsed.success) throw invalid(`message ${count} is not of the protocol`);
    const one = parsed.data;
    if ('config' in one !== (count === 1))
      throw invalid('its configuration is not the first message, and the only such');
    if ('config' in one) settings = supported(one.config);
    else if ('SBOM' in one && sbom !== undefined) throw invalid('it lists the modules twice');
    else if ('SBOM' in one) sbom = one.SBOM;
    else if ('osv' in one) advisories.add(one.osv.id);
    else if ('finding' in one) findings.push(one.finding);
  }
  if (settings === undefined || sbom === undefined) throw invalid('it ends before the list of modules');
  const unknown = findings.find((finding) => !advisories.has(finding.osv));
  if (unknown !== undefined)
    throw invalid(`a finding names ${JSON.stringify(unknown.osv.slice(0, 40))}, which was not shown`);
  return { config: settings, roots: sbom.roots, modules: sbom.modules, advisories, findings };
}

function supported(found: ToolConfig): ToolConfig {
  if (/^v1\.\d+\.\d+$/.test(found.protocol_version)) return found;
  throw invalid(`it is of protocol ${JSON.stringify(found.protocol_version.slice(0, 40))}, and only v1 is known`);
}

/** Cuts a run of JSON objects at the places where one ends, and parses each alone. */
function* splitValues(bytes: Uint8Array): Generator {
  const scanner = createJsonScanner();
  let start = 0;
  for (let at = scanner.next(bytes, 0); at >= 0; at = scanner.next(bytes, at + 1)) {
    const [mark, depth] = [scanner.mark(), scanner.depth()];
    if (mark === 'outside' || depth < 0) throw invalid('it is no JSON');
    if (depth > MAX_DEPTH) throw invalid(`it is nested more than ${MAX_DEPTH} levels deep`);
    if (mark === 'open' && depth === 1) start = at;
    if (mark === 'close' && depth === 0) yield parseValue(bytes.subarray(start, at + 1));
  }
  if (scanner.depth() !== 0) throw invalid('it is cut short');
}

function parseValue(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('it is no JSON');
  }
}

/** The error for output that can't be believed. */
export function invalid(fault: string): VulnerabilityError {
  return new VulnerabilityError('REACHABILITY_INVALID', `the output of govulncheck can't be used: ${fault}`, {
    hint: 'Another version of the tool may print another form: see `tools.govulncheck` in the definition.',
  });
}
