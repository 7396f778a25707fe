// SPDX-License-Identifier: Apache-2.0
import type { SlaReading } from './clock.ts';
import type { SlaReport } from './report.ts';

/** What stands above a report: whose it is, and what vouches for the log it was made of. */
export interface ReportHeading {
  readonly title: string;
  /** The log's last line, and who sealed it, as sentences. */
  readonly provenance: readonly string[];
}

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); --quiet: color-mix(in srgb, currentColor 65%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p, li { max-width: 50rem; } .quiet { color: var(--quiet); }
table { border-collapse: collapse; width: 100%; font-size: 0.87rem; } .wide { overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.7rem 0.35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { white-space: nowrap; } td.number, th.number { text-align: right; } time { white-space: nowrap; font-variant-numeric: tabular-nums; }
.facts { display: flex; flex-wrap: wrap; gap: 0.4rem 2rem; padding: 0; margin: 1rem 0; list-style: none; } .facts b { font-size: 1.3rem; display: block; font-variant-numeric: tabular-nums; }
.state { font-weight: 600; white-space: nowrap; } .breached, .missed { color: #b3261e; } .at-risk { color: #8a5300; } .met { color: #17692f; }
@media (prefers-color-scheme: dark) { .breached, .missed { color: #ff8a80; } .at-risk { color: #ffb95c; } .met { color: #7bd893; } }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } table { font-size: 8pt; } tr { break-inside: avoid; } thead { display: table-header-group; } h2 { break-after: avoid; } .wide { overflow: visible; } @page { size: A4 landscape; margin: 12mm; } }
`;

/** Gives a report as one HTML page that needs nothing else: no script, no network, fit to print. */
export function formatSlaHtml(report: SlaReport, { title, provenance }: ReportHeading): string {
  const { from, to, policy, breaches, clocks, forecast } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p class="quiet">From ${time(from)} to ${time(to)}, as known at the end of that time. All times are UTC.</p>
${facts(report)}
<h2>What is promised</h2>
<p>${escape(policy.text)}</p>
<h2>Time to fix</h2>
${timesToFix(report)}
<h2>Breaches</h2>
${breaches.length === 0 ? '<p>No clock went over its time.</p>' : clockTable(breaches)}
<h2>Forecast</h2>
${
  forecast.length === 0
    ? '<p>No open finding has a due date ahead.</p>'
    : table(
        ['Due', 'Hours left', 'Vulnerability', 'Product', 'Severity', 'Upstream fix'],
        forecast.map((one) => [
          time(one.dueAt),
          String(one.hoursLeft),
          escape(one.vulnerability),
          escape(one.product),
          one.severity,
          one.fixAvailable ? 'yes' : 'none yet',
        ]),
      )
}
<h2>Every clock</h2>
${clocks.length === 0 ? '<p>No finding was open in this time.</p>' : clockTable(clocks)}
<h2>What this rests on</h2>
<ul>${provenance.map((line) => `<li>${escape(line)}</li>`).join('')}</ul>
</body>
</html>
`;
}

function facts({ counts, metPercent, breaches }: SlaReport): string {
  const open = counts.running + counts['at-risk'] + counts.breached + counts.waiting;
  const shown: readonly (readonly [string, string | number])[] = [
    ['fixed in time', metPercent === undefined ? 'none fixed' : `${metPercent} %`],
    ['met', counts.met],
    ['missed', counts.missed],
    ['breaches', breaches.length],
    ['open', open],
    ['of them at risk', counts['at-risk']],
    ['of them waiting for a fix', counts.waiting],
    ['excused', counts.excused],
  ];
  return `<ul class="facts">${shown.map(([name, value]) => `<li><b>${value}</b>${name}</li>`).join('')}</ul>`;
}

function timesToFix({ timeToFix }: SlaReport): string {
  const hours = (value: number | undefined) => (value === undefined ? '-' : `${value} h`);
  return table(
    ['Severity', 'Fixed', 'Half within (p50)', '90 % within (p90)'],
    timeToFix.map(({ severity, fixed, p50, p90 }) => [severity, String(fixed), hours(p50), hours(p90)]),
  );
}

function clockTable(clocks: readonly SlaReading[]): string {
  return table(
    [
      'State',
      'Vulnerability',
      'Product',
      'Severity',
      'Detected',
      'Clock start',
      'Due',
      'Published',
      'Over time since',
      'Why',
    ],
    clocks.map((clock) => [
      `<span class="state ${clock.state}">${clock.state}</span>`,
      `${escape(clock.vulnerability)}${clock.risk.kev === undefined ? '' : ' (known exploited)'}`,
      escape(clock.product),
      clock.severity,
      time(clock.detectedAt),
      time(clock.startedAt),
      `${time(clock.dueAt)}${clock.dueBy === undefined ? '' : ` by ${escape(clock.dueBy)}`}${clock.forensic ? ', with forensic triage' : ''}`,
      time(clock.publishedAt),
      time(clock.breachedAt),
      escape(clock.reason),
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((text) => `<${tag}${tag === 'th' ? ' scope="col"' : ''}>${text}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table><thead>${row(head, 'th')}</thead><tbody>${rows.map((cells) => row(cells, 'td')).join('')}</tbody></table></div>`;
}

function time(at: Date | undefined): string {
  if (at === undefined) return '-';
  const iso = at.toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)}</time>`;
}

function escape(text: string): string {
  const marks: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (mark) => marks[mark] ?? mark);
}
