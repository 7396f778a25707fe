// SPDX-License-Identifier: Apache-2.0
import { type Level, type PreflightFinding, type PreflightReport, type RuleId, RULES } from '#consumers';

/** Notes of a rule that are shown one by one; a repository may hold hundreds of files that age decrypts. */
const MOST_NOTES = 5;
const MOST_SKIPPED = 20;

/** Gives a preflight for people: one line for each place, what to do below it, and at the end why each rule is one. */
export function formatPreflight(report: PreflightReport): string {
  const { folder, channel, target, findings, files } = report;
  const { shown, surplus } = divide(findings);
  const rules = [...new Set(findings.map(({ rule }) => rule))];
  const parts = [
    `${folder}: ${count(files.read, 'file')} read, for channel ${channel.name} (${describeTraits(report)}) and Flux ${target}`,
    ...(shown.length === 0 ? [] : ['', ...shown.flatMap(describeFinding)]),
    ...[...surplus].map(([rule, more]) => `${count(more, 'more note')} of ${rule} (--json tells all)`),
    ...(rules.length === 0 ? [] : ['', 'Why', ...rules.map((rule) => `  ${rule}: ${RULES[rule].why}`)]),
    ...describeSkipped(report),
    '',
    summarise(findings),
  ];
  return `${parts.join('\n')}\n`;
}

/** Gives what `--fix` changes, line by line. */
export function formatEdits(edits: PreflightReport['edits'], written: boolean): string {
  if (edits.length === 0) return '';
  const files = edits.flatMap(({ path, splices }) => [
    path,
    ...splices.flatMap(({ line, lineBefore, lineAfter }) => [
      `  ${line} - ${lineBefore.trim()}`,
      `  ${line} + ${lineAfter.trim()}`,
    ]),
  ]);
  const places = edits.reduce((sum, { splices }) => sum + splices.length, 0);
  const what = `${count(places, 'API version')} in ${count(edits.length, 'file')}`;
  const end = written ? `Rewritten: ${what}. Look at \`git diff\`.` : `To rewrite: ${what}. Nothing was written.`;
  return `${[...files, end, ''].join('\n')}\n`;
}

function describeTraits({ channel: { crypto, git, gpg } }: PreflightReport): string {
  return [crypto === 'none' ? 'no FIPS mode' : `crypto ${crypto}`, git ? 'git' : 'no git', gpg ? 'gpg' : 'no gpg'].join(
    ', ',
  );
}

/** What `--fix` does needs no line of its own; of a note it is enough to say once what could be done. */
function describeFinding(
  finding: PreflightFinding,
  index: number,
  all: readonly PreflightFinding[],
): readonly string[] {
  const { place, level, rule, message, fix, fixable } = finding;
  const line = `${place.file}:${place.line}:${place.column}: ${level}: ${message}`;
  if (fixable) return [`${line}; --fix: ${fix} [${rule}]`];
  const isSaid = level === 'note' && all.findIndex((one) => one.rule === rule && one.fix === fix) < index;
  return [`${line} [${rule}]`, ...(isSaid ? [] : [`    ${fix}`])];
}

/** Leaves out notes of a rule beyond the first few; gives how many by rule. */
function divide(findings: readonly PreflightFinding[]) {
  const notes = new Map<RuleId, number>();
  const shown = findings.filter(({ level, rule }) => {
    if (level !== 'note') return true;
    const before = notes.get(rule) ?? 0;
    notes.set(rule, before + 1);
    return before < MOST_NOTES;
  });
  const surplus = [...notes].flatMap(([rule, all]) => (all > MOST_NOTES ? [[rule, all - MOST_NOTES] as const] : []));
  return { shown, surplus };
}

function describeSkipped({ skipped, files: { templates, binary } }: PreflightReport): readonly string[] {
  const more = skipped.length - MOST_SKIPPED;
  const lines = [
    ...skipped.slice(0, MOST_SKIPPED).map(({ path, reason, detail }) => `  ${path}: ${reason} (${detail})`),
    ...(more > 0 ? [`  and ${more} more (--json tells all)`] : []),
    ...(templates > 0
      ? [`  ${count(templates, 'template')} of Helm charts or other tools, which are no YAML yet`]
      : []),
    ...(binary > 0 ? [`  ${count(binary, 'binary file')}`] : []),
  ];
  return lines.length === 0 ? [] : ['', 'Not looked at', ...lines];
}

function summarise(findings: readonly PreflightFinding[]): string {
  if (findings.length === 0) return 'Nothing found.';
  const of = (level: Level) => findings.filter((finding) => finding.level === level).length;
  const counts = (['error', 'warning', 'note'] as const).flatMap((level) =>
    of(level) === 0 ? [] : [count(of(level), level)],
  );
  const fixable = findings.filter(({ fixable }) => fixable).length;
  return `${counts.join(', ')}.${fixable === 0 ? '' : ` --fix mends ${fixable} of them.`}`;
}

function count(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`;
}
