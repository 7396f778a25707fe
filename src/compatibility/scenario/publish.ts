// SPDX-License-Identifier: Apache-2.0
import { MEDIA_TYPES } from '#image';
import { type Chart, chartFile, formatChartIndex } from './content/chart.ts';
import type { Stage } from './stage.ts';

/** Makes a folder of the chart server a Helm repository of these charts. */
export function publishCharts({ servers, clock }: Stage, folder: string, charts: readonly Chart[]): void {
  for (const chart of charts) servers.charts.put(`${folder}/${chartFile(chart)}`, chart.archive);
  servers.charts.put(`${folder}/index.yaml`, formatChartIndex(charts, clock.now()));
}

/** Puts small images into the scenario's registry, one for each tag. */
export function publishImages({ servers }: Stage, repository: string, tags: readonly string[]): void {
  for (const tag of tags) {
    const bytes = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Labels: { tag } } }));
    servers.registry.put(repository, tag, { config: { mediaType: MEDIA_TYPES.config, bytes }, layers: [] });
  }
}
