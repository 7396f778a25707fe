// SPDX-License-Identifier: Apache-2.0
// What govulncheck prints, made by hand in its protocol's form.

/** A frame as the tool prints it. */
export interface MadeFrame {
  readonly module: string;
  readonly version?: string;
  readonly package?: string;
  readonly function?: string;
  readonly receiver?: string;
  readonly position?: { readonly filename: string; readonly offset: number; readonly line: number; readonly column: number };
}

/** The configuration that begins a stream, with changes. */
export function configMessage(changes: Readonly<Record<string, unknown>> = {}): unknown {
  const config = {
    protocol_version: 'v1.0.0',
    scanner_name: 'govulncheck',
    scanner_version: 'v0.0.0',
    db: 'file:///oakum/db',
    db_last_modified: '2026-08-21T20:38:00Z',
    go_version: 'go1.27.3',
    scan_level: 'symbol',
    scan_mode: 'source',
  };
  return { config: { ...config, ...changes } };
}

/** The list of modules. */
export const SBOM_MESSAGE = {
  SBOM: {
    go_version: 'go1.27.3',
    modules: [{ path: 'example.com/app' }, { path: 'example.com/lib', version: 'v1.2.0' }],
    roots: ['example.com/app'],
  },
};

/** An advisory as the stream shows it. */
export function osvMessage(id: string): unknown {
  return { osv: { id, schema_version: '1.3.1', affected: [] } };
}

/** A finding, its trace from the flaw to the program's own code. */
export function findingMessage(osv: string, trace: readonly MadeFrame[]): unknown {
  return { finding: { osv, fixed_version: 'v1.2.3', trace } };
}

/** Messages as a stream: indented, one after the other. */
export function streamOf(...messages: readonly unknown[]): Uint8Array {
  return Buffer.from(messages.map((message) => `${JSON.stringify(message, null, 2)}\n`).join(''));
}
