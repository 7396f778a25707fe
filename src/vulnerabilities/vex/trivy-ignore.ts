// SPDX-License-Identifier: Apache-2.0
import type { VexJudgement, VexSubject } from './apply.ts';

/**
 * Takes judged findings of the images that one `.trivyignore` is for; gives the file (Trivy, "Filtering": one id a line, `#`
 * comments). Trivy knows neither product nor package there, so an id stands in it only if every finding with it is not affected or
 * fixed; the others are named in comments. Every name of a vulnerability is listed, since Trivy shows one of them only.
 */
export function formatTrivyIgnore(judgements: readonly VexJudgement<VexSubject>[]): string {
  const groups = [...groupByNames(judgements)].sort((a, b) => ((a.names[0] ?? '') < (b.names[0] ?? '') ? -1 : 1));
  const blocks = groups.map(({ names, judgements: own }) => {
    const open = own.filter(({ state }) => state !== 'not_affected' && state !== 'fixed');
    const decided = own.find(({ decidedBy }) => decidedBy !== undefined)?.decidedBy;
    if (decided === undefined) return undefined;
    if (open.length > 0) {
      return `# ${names.join(' ')}: not ignored, ${open.length} of ${own.length} findings are still open\n`;
    }
    const { status, justification, impact_statement: impact, status_notes: notes } = decided.statement;
    const lines = [
      `# status: ${status}`,
      ...(justification === undefined ? [] : [`# justification: ${justification}`]),
      ...[impact ?? notes].filter((text) => text !== undefined).map((text) => `# ${oneLine(text)}`),
      ...names,
    ];
    return `${lines.join('\n')}\n`;
  });
  const head = '# Generated from the VEX decisions; an OpenVEX document says the same for exact images and packages.\n';
  return [head, ...blocks.filter((block) => block !== undefined)].join('\n');
}

function groupByNames(judgements: readonly VexJudgement<VexSubject>[]) {
  const groups = new Map<string, { names: string[]; judgements: VexJudgement<VexSubject>[] }>();
  for (const judgement of judgements) {
    const names = [...new Set([judgement.finding.id, ...judgement.finding.ids])].filter(isId);
    const home = names.map((name) => groups.get(name)).find((group) => group !== undefined) ?? {
      names: [],
      judgements: [],
    };
    home.judgements.push(judgement);
    for (const name of names) {
      if (!home.names.includes(name)) home.names.push(name);
      groups.set(name, home);
    }
    home.names.sort();
  }
  return new Set(groups.values());
}

/** A line of the file is an id; what could be read as more is left out. */
function isId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9:._-]*$/.test(text);
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
