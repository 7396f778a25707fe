// SPDX-License-Identifier: Apache-2.0
// Our side of bench/push.ts: `push-run.ts HOST FOLDER NAME...` pushes the layout FOLDER/NAME to HOST/flux/NAME:v1.
import { join } from 'node:path';
import { createHttp, systemClock } from '#core';
import { copyImage, openLayout, openRegistry } from '#image';

const [host = '', folder = '', ...names] = process.argv.slice(2);
const clock = systemClock();
const started = performance.now();
const cpu = process.cpuUsage();
const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
await Promise.all(
  names.map(async (name) => {
    const layout = await openLayout(join(folder, name));
    await copyImage({
      from: layout,
      to: client.sink({ registry: host, repository: `flux/${name}` }),
      root: await layout.resolve(`${name}:v1`),
      tags: ['v1'],
    });
  }),
);
const used = process.cpuUsage(cpu);
const facts = [
  `start ${(started / 1000).toFixed(2)} s`,
  `push ${((performance.now() - started) / 1000).toFixed(2)} s`,
  `of it cpu ${((used.user + used.system) / 1e6).toFixed(2)} s`,
  `peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`,
];
console.log(facts.join(', '));
