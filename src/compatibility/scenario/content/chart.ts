// SPDX-License-Identifier: Apache-2.0
import { digestOf, hexOf } from '#core';
import { packArchive } from './archive.ts';

/** One version of the scenario's chart, packed. */
export interface Chart {
  readonly name: string;
  readonly version: string;
  readonly archive: Buffer;
}

/** What a chart is made of. `broken` adds a Service that every API server refuses, after the ConfigMap has been changed. */
export interface ChartSpec {
  readonly name: string;
  readonly version: string;
  readonly broken?: boolean;
}

const CONFIG_MAP = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  chart: {{ .Chart.Version | quote }}
  greeting: {{ .Values.greeting | quote }}
`;

/** Helm sends ConfigMaps before Services. Port numbers end at 65535. */
const REFUSED = `apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  ports: [{port: 70000}]
`;

/** Makes a chart (https://helm.sh/docs/topics/charts/) with one ConfigMap; same spec, same bytes. */
export function packChart({ name, version, broken = false }: ChartSpec): Chart {
  const archive = packArchive({
    [`${name}/Chart.yaml`]: `apiVersion: v2\nname: ${name}\nversion: ${version}\ndescription: Of the scenario\n`,
    [`${name}/values.yaml`]: 'greeting: hello\n',
    [`${name}/templates/configmap.yaml`]: CONFIG_MAP,
    ...(broken ? { [`${name}/templates/service.yaml`]: REFUSED } : {}),
  });
  return { name, version, archive };
}

/** Gives the index.yaml of a repository of these charts, which lie beside it; JSON is YAML. */
export function formatChartIndex(charts: readonly Chart[], now: Date): string {
  const created = now.toISOString();
  const entries = Object.groupBy(
    charts.map(({ name, version, archive }) => ({
      apiVersion: 'v2',
      name,
      version,
      created,
      digest: hexOf(digestOf(archive)),
      urls: [chartFile({ name, version })],
    })),
    ({ name }) => name,
  );
  return JSON.stringify({ apiVersion: 'v1', generated: created, entries });
}

/** Gives the name of a chart's file in a repository. */
export function chartFile({ name, version }: Pick<Chart, 'name' | 'version'>): string {
  return `${name}-${version}.tgz`;
}
