// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';

/** Versions of CVSS. */
export type CvssVersion = '2.0' | '3.0' | '3.1' | '4.0';

/** A vector as it was given, with its base score (0 to 10), or what is wrong with it. */
export type CvssReading =
  | { readonly kind: 'scored'; readonly version: CvssVersion; readonly score: number }
  | { readonly kind: 'invalid'; readonly reason: string };

const MAX_LENGTH = 300;

const VERSION_3 =
  'AV:N,A,L,P AC:L,H PR:N,L,H UI:N,R S:U,C C:H,L,N I:H,L,N A:H,L,N E:X,H,F,P,U RL:X,U,W,T,O RC:X,C,R,U ' +
  'CR:X,H,M,L IR:X,H,M,L AR:X,H,M,L MAV:X,N,A,L,P MAC:X,L,H MPR:X,N,L,H MUI:X,N,R MS:X,U,C MC:X,N,L,H MI:X,N,L,H MA:X,N,L,H';

/** Every metric with its values, the base metrics first, each of which a vector must have. */
const METRICS: Readonly<Record<CvssVersion, { readonly base: number; readonly values: ReadonlyMap<string, string> }>> =
  {
    // CVSS 2.0, section 2.4.
    '2.0': toMetrics(
      6,
      'AV:L,A,N AC:H,M,L Au:M,S,N C:N,P,C I:N,P,C A:N,P,C E:U,POC,F,H,ND RL:OF,TF,W,U,ND RC:UC,UR,C,ND ' +
        'CDP:N,L,LM,MH,H,ND TD:N,L,M,H,ND CR:L,M,H,ND IR:L,M,H,ND AR:L,M,H,ND',
    ),
    // CVSS 3.0 and 3.1, table 15.
    '3.0': toMetrics(8, VERSION_3),
    '3.1': toMetrics(8, VERSION_3),
    // CVSS 4.0, table 23.
    '4.0': toMetrics(
      11,
      'AV:N,A,L,P AC:L,H AT:N,P PR:N,L,H UI:N,P,A VC:H,L,N VI:H,L,N VA:H,L,N SC:H,L,N SI:H,L,N SA:H,L,N E:X,A,P,U ' +
        'CR:X,H,M,L IR:X,H,M,L AR:X,H,M,L MAV:X,N,A,L,P MAC:X,L,H MAT:X,N,P MPR:X,N,L,H MUI:X,N,P,A MVC:X,H,L,N MVI:X,H,L,N ' +
        'MVA:X,H,L,N MSC:X,H,L,N MSI:X,S,H,L,N MSA:X,S,H,L,N S:X,N,P AU:X,N,Y R:X,A,U,I V:X,D,C RE:X,L,M,H U:X,Clear,Green,Amber,Red',
    ),
  };

function toMetrics(base: number, text: string) {
  const values = new Map(text.split(' ').map((metric): [string, string] => splitMetric(metric)));
  return { base, values };
}

/**
 * Checks a vector against its specification, since the calculator gives 0 for one that lacks a metric; then gives its base
 * score. A vector without a version is of 2.0.
 */
export function readVector(vector: string): CvssReading {
  if (vector.length > MAX_LENGTH) return { kind: 'invalid', reason: 'it is longer than any vector' };
  const [prefix = '', named] = /^CVSS:(3\.0|3\.1|4\.0)\//.exec(vector) ?? [];
  if (named === undefined && vector.startsWith('CVSS:')) return { kind: 'invalid', reason: 'its version is not known' };
  const version = (named ?? '2.0') as CvssVersion;
  const reason = faultOf(vector.slice(prefix.length), version);
  if (reason !== undefined) return { kind: 'invalid', reason };
  const score = baseScore(vector, version);
  return Number.isFinite(score) ? { kind: 'scored', version, score } : { kind: 'invalid', reason: 'it gives no score' };
}

function faultOf(metrics: string, version: CvssVersion): string | undefined {
  const { base, values } = METRICS[version];
  const seen = new Set<string>();
  for (const part of metrics.split('/')) {
    const [name, value] = splitMetric(part);
    const allowed = values.get(name)?.split(',');
    if (allowed === undefined) return `CVSS ${version} has no metric ${JSON.stringify(name)}`;
    if (!allowed.includes(value)) return `metric ${name} has no value ${JSON.stringify(value)}`;
    if (seen.has(name)) return `metric ${name} comes twice`;
    seen.add(name);
  }
  const missing = [...values.keys()].slice(0, base).filter((name) => !seen.has(name));
  return missing.length === 0 ? undefined : `it lacks ${missing.join(', ')}`;
}

function splitMetric(text: string): [name: string, value: string] {
  const colon = text.indexOf(':');
  return colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

function baseScore(vector: string, version: CvssVersion): number {
  // It takes longer to load than a scan whose advisories have no vector takes.
  const calculator = createRequire(import.meta.url)('ae-cvss-calculator') as typeof import('ae-cvss-calculator');
  if (version === '2.0') return new calculator.Cvss2(vector).calculateScores().base ?? Number.NaN;
  if (version === '3.0') return new calculator.Cvss3P0(vector).calculateScores().base ?? Number.NaN;
  if (version === '3.1') return new calculator.Cvss3P1(vector).calculateScores().base ?? Number.NaN;
  return new calculator.Cvss4P0(vector).calculateScores().baseMetricsOnly ?? Number.NaN;
}
