// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOMS } from './rooms.ts';

const SOURCE = resolve(import.meta.dirname, '../src');
const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s+(?:type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({
    path,
    room: path.split('/')[0] ?? '',
    imports: importsOf(readFileSync(join(SOURCE, path), 'utf8')),
  }));

function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '');
}

/** Tests and what lies in a room's fixtures may use the fakes, and touch the world. */
function isForTests(path: string): boolean {
  return path.endsWith('.test.ts') || path.includes('/__fixtures__/');
}

/** Gives what a file may not do, as sentences. */
function faultsOf(file: (typeof files)[number]): string[] {
  const isTest = /\.test\.ts$|\/__fixtures__\//.test(file.path);
  return file.imports.flatMap((target) => {
    if (target.startsWith('.')) {
      const reached = relative(join(SOURCE, file.room), resolve(SOURCE, dirname(file.path), target));
      return reached.startsWith('..') ? [`${file.path} reaches out of its room: ${target}`] : [];
    }
    if (!target.startsWith('#')) return [];
    const room = target.slice(1);
    if (ROOMS[room] === undefined) return [`${file.path} imports ${target}, which is no room's door`];
    const allowed =
      room === 'core' || ROOMS[file.room]?.includes(room) || (isTest && room === 'testing') || room === file.room;
    return allowed ? [] : [`${file.path} may not import ${target}`];
  });
}

describe('the rooms', () => {
  it('are all in the table, each with a door', () => {
    const folders = [...new Set(files.map((file) => file.room))].sort();
    expect(folders.filter((room) => ROOMS[room] === undefined)).toEqual([]);
    for (const room of folders)
      expect(
        files.some((file) => file.path === `${room}/index.ts`),
        `${room}/index.ts`,
      ).toBe(true);
  });

  it('import only through doors and only in the allowed directions', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(files.flatMap(faultsOf)).toEqual([]);
  });

  it('have no cycle in their table', () => {
    const visit = (room: string, path: readonly string[]): void => {
      expect(path, [...path, room].join(' -> ')).not.toContain(room);
      for (const next of ROOMS[room] ?? []) visit(next, [...path, room]);
    };
    for (const room of Object.keys(ROOMS)) visit(room, []);
  });

  it('notice a way in past the door (so that this test can fail)', () => {
    const bad = {
      path: 'image/x.ts',
      room: 'image',
      imports: importsOf("import { a } from '../cache/blobs.ts';\nimport b from '#cli';"),
    };
    expect(faultsOf(bad)).toHaveLength(2);
  });

  it('touch process.env, stdout and the exit code in cli alone', () => {
    const world = /process\.(env|stdout|stderr|exit|argv)\b|console\./;
    const others = files.filter((file) => file.room !== 'cli' && file.room !== 'testing' && !isForTests(file.path));
    const touching = others.filter((file) =>
      world.test(withoutComments(readFileSync(join(SOURCE, file.path), 'utf8'))),
    );
    expect(touching.map((file) => file.path)).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
}
