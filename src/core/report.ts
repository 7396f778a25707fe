// SPDX-License-Identifier: Apache-2.0

/**
 * What happens while a command works. `subject` is what the step works on (a component, a package, a platform);
 * `step` is a short verb phrase ("fetch modules", "compile"). Times are milliseconds of a monotonic clock's difference.
 */
export type ReportEvent =
  | { readonly kind: 'step-started'; readonly subject: string; readonly step: string }
  | {
      readonly kind: 'step-progress';
      readonly subject: string;
      readonly step: string;
      readonly bytes: number;
      readonly totalBytes?: number;
    }
  | {
      readonly kind: 'step-finished';
      readonly subject: string;
      readonly step: string;
      readonly cached: boolean;
      readonly milliseconds: number;
      readonly bytes?: number;
    }
  | { readonly kind: 'step-failed'; readonly subject: string; readonly step: string; readonly message: string }
  | { readonly kind: 'warning' | 'note'; readonly message: string };

/** Receives the events; the cli renders them, tests collect them. Never throws. */
export type Report = (event: ReportEvent) => void;

/** Takes a report and a step's names; runs it and reports start, end or failure. `cached` is read from what it gives. */
export async function reportStep<T extends { readonly cached: boolean }>(
  report: Report,
  names: { readonly subject: string; readonly step: string },
  run: () => Promise<T>,
): Promise<T> {
  report({ kind: 'step-started', ...names });
  const start = performance.now();
  try {
    const result = await run();
    report({ kind: 'step-finished', ...names, cached: result.cached, milliseconds: performance.now() - start });
    return result;
  } catch (error) {
    report({ kind: 'step-failed', ...names, message: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}
