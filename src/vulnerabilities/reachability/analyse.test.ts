// SPDX-License-Identifier: Apache-2.0
// The analysis with a tool that does as it is told by the source it is given: what a broken or hostile tool can do.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompileRequest } from '#build';
import { type Cache, openCache } from '#cache';
import { digestOf, runProcess, systemClock } from '#core';
import { inspectMachine, openEngine } from '#engine';
import { configMessage, findingMessage, osvMessage, SBOM_MESSAGE, streamOf } from './__fixtures__/output.ts';
import { analyse, analysisKey, type AnalysisRequest, type AnalysisTools, buildIdentity } from './analyse.ts';

const TOOL = `package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	text, _ := os.ReadFile("/src/output")
	switch how, _ := os.ReadFile("/src/how"); string(how) {
	case "fail":
		fmt.Fprintln(os.Stderr, "no required module provides package")
		os.Exit(1)
	case "endless":
		for {
			os.Stdout.Write(text)
		}
	case "sleep":
		time.Sleep(time.Hour)
	case "write":
		for _, path := range []string{"/src/x", "/gomod/x", "/oakum/db/x", "/usr/local/go/x"} {
			if os.WriteFile(path, nil, 0o644) == nil {
				fmt.Println(path)
			}
		}
		os.WriteFile("/gocache/poison", text, 0o644)
	case "call":
		if _, err := net.DialTimeout("tcp", "192.0.2.1:80", time.Second); err == nil || os.Getenv("SECRET") != "" {
			fmt.Println("reached")
		}
	}
	os.Stdout.Write(text)
}
`;
const COMPILE: CompileRequest = {
  component: 'app',
  main: { path: 'example.com/app', version: 'v1.0.0', zipHash: 'h1:app' },
  nested: [],
  package: '.',
  toolchain: { version: 'go1.27.3', zipHash: 'h1:toolchain' },
  platform: 'linux/amd64',
  crypto: 'none',
};
const ID = 'GO-2026-0001';
const LIB = { module: 'example.com/lib', version: 'v1.2.0' };
const GOOD = streamOf(configMessage(), SBOM_MESSAGE, osvMessage(ID), findingMessage(ID, [LIB]));

describe('the analysis', () => {
  let folder: string;
  let cache: Cache;
  let tools: AnalysisTools;
  let request: AnalysisRequest;
  let runs = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-analyse-'));
    cache = await openCache(join(folder, 'cache'));
    const reading = await inspectMachine({ run: runProcess, cache, searchPath: process.env['PATH'] ?? '' });
    const engine = openEngine({ run: runProcess, cache, reading });
    await writeFile(join(folder, 'main.go'), TOOL);
    await writeFile(join(folder, 'go.mod'), 'module example.com/tool\n\ngo 1.24\n');
    const env = { ...process.env, CGO_ENABLED: '0', SECRET: 'x' };
    execFileSync('go', ['build', '-o', 'tool', '.'], { cwd: folder, env });
    await mkdir(join(folder, 'empty'));
    request = {
      compile: COMPILE,
      database: databaseOf({ [ID]: digestOf('text') }),
      tool: { name: 'govulncheck', version: 'v1.9.0', digest: digestOf('tool'), path: join(folder, 'tool') },
    };
    tools = {
      cache,
      clock: systemClock(),
      engine: async () => engine,
      isolated: true,
      limits: { memoryBytes: 2 ** 30, milliseconds: 60_000, processes: 200 },
      parallelism: 2,
    };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function databaseOf(digests: AnalysisRequest['database']['digests']): AnalysisRequest['database'] {
    const write = (target: string) => mkdir(target);
    return { modified: '2026-08-21T20:38:00Z', digests, aliases: {}, write };
  }

  /** Runs the tool over a source that makes it behave; each is another build. */
  async function run(how: string, output: Uint8Array, changes: Partial<AnalysisTools> = {}) {
    runs += 1;
    const source = join(folder, `source-${runs}`);
    await mkdir(source);
    await writeFile(join(source, 'how'), how);
    await writeFile(join(source, 'output'), output);
    const compile = { ...COMPILE, main: { ...COMPILE.main, zipHash: `h1:${runs}` } };
    const empty = join(folder, 'empty');
    const inputs = { sourceFolder: source, moduleCache: empty, toolchainFolder: empty, hashes: new Map() };
    return analyse({ ...request, compile }, async () => inputs, { ...tools, ...changes });
  }

  it('keeps what the tool printed, and the next time takes it from the cache', async () => {
    const first = await run('good', GOOD);
    expect(first).toMatchObject({
      cached: false,
      value: {
        tool: { name: 'govulncheck', version: 'v1.9.0' },
        database: '2026-08-21T20:38:00Z',
        evidence: digestOf(GOOD),
        advisories: { [ID]: digestOf('text') },
        modules: ['example.com/app@', 'example.com/lib@v1.2.0'],
        reached: [{ id: ID, ...LIB, reach: 'required' }],
      },
    });
    expect(await readFile((await cache.blobs.find(first.value.evidence))?.path ?? '')).toEqual(Buffer.from(GOOD));
    const compile = { ...COMPILE, main: { ...COMPILE.main, zipHash: 'h1:1' } };
    const again = await analyse({ ...request, compile }, () => Promise.reject(new Error('must not prepare')), tools);
    expect(again).toEqual({ value: first.value, cached: true });
    expect(await readdir(join(cache.folder, 'tmp'))).toEqual([]);
  });

  it('is keyed by the build, the tool, the isolation and the advisories that it was given, by nothing else', () => {
    const key = (changes: Partial<AnalysisRequest>, isolated = true) =>
      JSON.stringify(analysisKey({ ...request, ...changes }, isolated));
    const same = {
      ...databaseOf(request.database.digests),
      modified: '2026-09-01T00:00:00Z',
      aliases: { [ID]: ['CVE-1'] },
    };
    expect(key({ database: same })).toBe(key({}));
    const tool = { ...request.tool, digest: digestOf('another tool') };
    const others = [
      key({}, false),
      key({ tool }),
      key({ database: databaseOf({ [ID]: digestOf('changed') }) }),
      key({ database: databaseOf({ ...request.database.digests, 'GO-2026-0002': digestOf('new') }) }),
      ...[
        { platform: 'linux/arm64' as const },
        { package: './cmd' },
        { overlay: digestOf('overlay') },
        { toolchain: { version: 'go1.27.4', zipHash: 'h1:other' } },
        { nested: [COMPILE.main] },
      ].map((changes) => key({ compile: { ...COMPILE, ...changes } })),
    ];
    expect(new Set([key({}), ...others]).size).toBe(others.length + 1);
    expect(buildIdentity(COMPILE)).not.toBe(buildIdentity({ ...COMPILE, overlay: digestOf('overlay') }));
  });

  it.each([
    ['that is no JSON', Buffer.from('all is well\n'), /no JSON/],
    ['of another toolchain', streamOf(configMessage({ go_version: 'go1.27.2' }), SBOM_MESSAGE), /"go1\.27\.2" instead/],
    ['of no program', streamOf(configMessage(), { SBOM: { modules: [], roots: [] } }), /0 programs/],
    [
      'of an advisory that it was not given',
      streamOf(configMessage(), SBOM_MESSAGE, osvMessage('GO-1')),
      /"GO-1", which it was not/,
    ],
    ['that is empty', Buffer.alloc(0), /ends before/],
  ])('believes no output %s, and keeps none', async (_, output, message) => {
    const refused = run('print', output);
    await expect(refused).rejects.toMatchObject({
      code: 'REACHABILITY_INVALID',
      message: expect.stringMatching(message),
    });
    expect(await cache.blobs.find(digestOf(output))).toBeUndefined();
    expect(await readdir(join(cache.folder, 'tmp'))).toEqual([]);
  });

  it('stops a tool that prints without end', async () => {
    const endless = run('endless', Buffer.alloc(1 << 16, ' '));
    await expect(endless).rejects.toMatchObject({
      code: 'REACHABILITY_INVALID',
      message: expect.stringMatching(/longer/),
    });
  });

  it('stops at its limits and says which', async () => {
    const slow = run('sleep', GOOD, { limits: { ...tools.limits, milliseconds: 500 } });
    await expect(slow).rejects.toMatchObject({
      code: 'REACHABILITY_LIMIT',
      message: expect.stringContaining('wall-time'),
    });
  });

  it('is stopped by its signal', async () => {
    const stop = new AbortController();
    const stopped = run('sleep', GOOD, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('Ctrl-C')), 300);
    await expect(stopped).rejects.toThrow('Ctrl-C');
  });

  it('says what the tool said when it fails', async () => {
    await expect(run('fail', GOOD)).rejects.toMatchObject({
      code: 'REACHABILITY_FAILED',
      where: 'app v1.0.0 (linux/amd64)',
      message: expect.stringContaining('no required module provides package'),
    });
  });

  it.each(['write', 'call'])('gives the tool nothing to change, and nobody to talk to (%s)', async (how) => {
    expect((await run(how, GOOD)).value.evidence).toBe(digestOf(GOOD)); // it would have printed what it reached
    expect(await readdir(await cache.area('go-build'))).not.toContain('poison');
  });
});
