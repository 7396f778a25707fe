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
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 20%, Canvas); --quiet: color-mix(in srgb, CanvasText 70%, Canvas); }
body { background: Canvas; color: CanvasText; font: 15px/1.5 system-ui, sans-serif; max-width: 90rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin-bottom: 0.2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p, li { max-width: 50rem; } .quiet { color: var(--quiet); }
.facts { display: flex; flex-wrap: wrap; gap: 0.6rem 2rem; padding: 0; margin: 1.2rem 0; list-style: none; } .facts b { font-size: 1.3rem; display: block; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid; outline-offset: 2px; }
table { border-collapse: collapse; font-size: 0.87rem; overflow-wrap: break-word; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.9rem 0.4rem 0; border-bottom: 1px solid var(--line); }
th, time, .name { white-space: nowrap; } time { font-variant-numeric: tabular-nums; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.product { min-width: 10rem; max-width: 20rem; } .why { min-width: 9rem; max-width: 32rem; } .why, .product { overflow-wrap: anywhere; } small { display: block; color: var(--quiet); }
.state { font-weight: 600; white-space: nowrap; } .breached, .missed { color: #b3261e; } .at-risk { color: #8a5300; } .met { color: #17692f; }
@media (prefers-color-scheme: dark) { .breached, .missed { color: #ff8a80; } .at-risk { color: #ffb95c; } .met { color: #7bd893; } }
@media print { :root { color-scheme: light; } body { margin: 0; max-width: none; font-size: 9pt; } table { font-size: 7.5pt; } th, td { padding-right: 0.5rem; } .product, .why { min-width: 0; } tr { break-inside: avoid; } thead { display: table-header-group; } h2 { break-after: avoid; } .wide { overflow: visible; } @page { size: A4 landscape; margin: 12mm; } }
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
<main>
<h1>${escape(title)}</h1>
<p class="quiet">From ${time(from)} to ${time(to)}, as known at the end of that time. All times are UTC.</p>
${facts(report)}
<h2>What is promised</h2>
<p>${escape(policy.text)}</p>
<h2>Time to fix</h2>
${timesToFix(report)}
<h2>Breaches</h2>
${breaches.length === 0 ? '<p>No clock went over its time.</p>' : clockTable('Breaches', breaches, policy.name)}
<h2>Forecast</h2>
${
  forecast.length === 0
    ? '<p>No open finding has a due date ahead.</p>'
    : table(
        'Forecast',
        ['Due', 'Hours left|number', 'Vulnerability|name', 'Product|product', 'Severity', 'Upstream fix'],
        forecast.map((one) => [
          time(one.dueAt),
          String(one.hoursLeft),
          escape(one.vulnerability),
          path(one.product),
          one.severity,
          one.fixAvailable ? 'yes' : 'none yet',
        ]),
      )
}
<h2>Every clock</h2>
${clocks.length === 0 ? '<p>No finding was open in this time.</p>' : clockTable('Every clock', clocks, policy.name)}
<h2>What this rests on</h2>
<ul>${provenance.map((line) => `<li>${escape(line)}</li>`).join('')}</ul>
</main>
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
    'Time to fix',
    ['Severity', 'Fixed|number', 'Half within (p50)|number', '90 % within (p90)|number'],
    timeToFix.map(({ severity, fixed, p50, p90 }) => [severity, String(fixed), hours(p50), hours(p90)]),
  );
}

/** A due date of the policy itself needs no name; one of an overlay has it. */
function clockTable(label: string, clocks: readonly SlaReading[], policy: string): string {
  const due = ({ dueAt, dueBy, forensic }: SlaReading) => {
    const by = dueBy === undefined || dueBy === policy ? '' : `<small>by ${escape(dueBy)}</small>`;
    return `${time(dueAt)}${by}${forensic ? '<small>with forensic triage</small>' : ''}`;
  };
  return table(
    label,
    [
      'State',
      'Vulnerability|name',
      'Product|product',
      'Severity',
      'Detected',
      'Clock start',
      'Due',
      'Published',
      'Over time since',
      'Why|why',
    ],
    clocks.map((clock) => [
      `<span class="state ${clock.state}">${clock.state}</span>`,
      `${escape(clock.vulnerability)}${clock.risk.kev === undefined ? '' : '<small>known exploited</small>'}`,
      path(clock.product),
      clock.severity,
      time(clock.detectedAt),
      time(clock.startedAt),
      due(clock),
      time(clock.publishedAt),
      time(clock.breachedAt),
      escape(clock.reason),
    ]),
  );
}

/** A column is its name, and after a bar the class of its cells. On a narrow screen the table moves within its own frame, by keys too. */
function table(label: string, columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const named = columns.map((column) => column.split('|'));
  const attributes = named.map(([, kind]) => (kind === undefined ? '' : ` class="${kind}"`));
  const head = named.map(([name = ''], index) => `<th scope="col"${attributes[index]}>${name}</th>`).join('');
  const body = rows
    .map((cells) => `<tr>${cells.map((text, index) => `<td${attributes[index]}>${text}</td>`).join('')}</tr>`)
    .join('');
  return `<div class="wide" tabindex="0" role="region" aria-label="${label}"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** A product's name may break where it is divided. */
function path(product: string): string {
  return escape(product).replaceAll('/', '/<wbr>');
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
