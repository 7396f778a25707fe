// SPDX-License-Identifier: Apache-2.0
// A data folder, a mirror on loopback and a clock, for tests that update feeds.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttp, type ReportEvent } from '#core';
import { createTestClock, type FeedServer, startFeedServer, type TestClock } from '#testing';
import type { FeedName, FeedReading, Feeds } from '../feed.ts';
import { openFeeds } from '../feeds.ts';
import { type FeedSources, type FeedUpdate, update, type UpdateFeedsOptions } from '../update.ts';
import { type MirrorFiles, TODAY } from './mirror.ts';

/** What a test of feeds works with. */
export interface Desk {
  readonly folder: string;
  readonly server: FeedServer;
  readonly clock: TestClock;
  readonly events: readonly ReportEvent[];
  publish(files: MirrorFiles): void;
  /** Updates from the server, or as `sources` says. */
  update(only?: readonly FeedName[], options?: Partial<UpdateFeedsOptions>): Promise<readonly FeedUpdate[]>;
  /** Updates one feed, and gives how it went. */
  updateOne(name: FeedName, options?: Partial<UpdateFeedsOptions>): Promise<FeedUpdate>;
  open(): Feeds;
  reading(name: FeedName): Promise<FeedReading>;
  stop(): Promise<void>;
}

/** Starts it, with nothing published and nothing held. */
export async function openDesk(sources: FeedSources = {}): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), 'oakum-feeds-'));
  const server = await startFeedServer();
  const clock = createTestClock(TODAY);
  const events: ReportEvent[] = [];
  const http = createHttp({ clock });
  const open = () => openFeeds({ folder, clock });
  const desk: Desk = {
    folder,
    server,
    clock,
    events,
    open,
    publish: (files) => {
      for (const [path, content] of Object.entries(files)) server.publish(path, content);
    },
    update: (only, options = {}) =>
      update({
        http,
        clock,
        folder,
        sources: { mirror: server.url, ...sources },
        report: (event) => events.push(event),
        ...(only === undefined ? {} : { only }),
        ...options,
      }),
    async updateOne(name, options) {
      const [first] = await desk.update([name], options);
      if (first === undefined) throw new Error(`${name} was not updated`);
      return first;
    },
    async reading(name) {
      const found = (await open().status()).find((reading) => reading.name === name);
      if (found === undefined) throw new Error(`no reading of ${name}`);
      return found;
    },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return desk;
}
