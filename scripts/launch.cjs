// SPDX-License-Identifier: Apache-2.0
// @ts-check
// What ./oakum starts. Runs a bundle of src (scripts/bundle.ts), which starts in a third of the time that src itself needs; makes it
// where there is none of src as it is now. Where that can't be done, or OAKUM_TRACE asks for traces, src itself is run.
'use strict';
const { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { stripVTControlCharacters } = require('node:util');

const root = resolve(__dirname, '..');
const folder = join(root, '.oakum'); // the bundle must lie two folders below the root: see scripts/bundle.ts
const record = join(folder, 'bundle.json');
const fromSource = join(root, 'src/cli/main.ts');

/** A file written so shortly before it was looked at may be written again without another time. */
const SETTLED_MILLISECONDS = 50;
const KEPT_MILLISECONDS = 86_400_000;

/**
 * Names every file that a bundle is made of, with all that changes when a file does. The change time can't be set, so that neither
 * an older file moved here nor a clone copied with its bundle passes for what was bundled.
 * @returns {{ text: string, newest: number }}
 */
function listSources() {
  const rows = [process.version, __filename];
  let newest = 0;
  const add = (/** @type {string} */ path) => {
    const { size, mtimeMs, ctimeMs, ino, dev } = statSync(path);
    rows.push(`${path} ${size} ${mtimeMs} ${ctimeMs} ${ino} ${dev}`);
    newest = Math.max(newest, ctimeMs);
  };
  const visit = (/** @type {string} */ path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name !== '__fixtures__') visit(`${path}/${entry.name}`);
      else if (entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts')) add(`${path}/${entry.name}`);
    }
  };
  visit(`${root}/src`);
  for (const file of ['package.json', 'node_modules/.package-lock.json', 'scripts/bundle.ts', 'scripts/launch.cjs'])
    add(`${root}/${file}`);
  return { text: rows.join('\n'), newest };
}

/**
 * @param {string} sources
 * @returns {string | undefined}
 */
function findBundle(sources) {
  try {
    const held = JSON.parse(readFileSync(record, 'utf8'));
    const main = join(folder, held.name, 'main.cjs');
    return held.sources === sources && existsSync(main) ? main : undefined;
  } catch {
    return undefined; // none, or one that was cut off: it is made anew
  }
}

/**
 * Makes a bundle and records it, unless src changed meanwhile. Older ones stay for a day: a run may be loading from them.
 * @param {{ text: string, newest: number }} before
 * @returns {Promise<string>}
 */
async function makeBundle(before) {
  const started = Date.now();
  const name = `run-${started}-${process.pid}`;
  const main = join(folder, name, 'main.cjs');
  mkdirSync(folder, { recursive: true });
  const { bundle, IN_A_CLONE } = await import('./bundle.ts');
  await bundle(join(folder, name), IN_A_CLONE);
  if (listSources().text !== before.text) return fromSource;
  if (before.newest > started - SETTLED_MILLISECONDS) return main;
  const temporary = `${record}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify({ name, sources: before.text }));
  renameSync(temporary, record);
  for (const old of readdirSync(folder)) {
    const time = Number(/^run-(\d+)-/.exec(old)?.[1] ?? Number.NaN);
    if (time < Date.now() - KEPT_MILLISECONDS) rmSync(join(folder, old), { recursive: true, force: true });
  }
  return main;
}

async function launch() {
  let main = fromSource;
  if (!process.env.OAKUM_TRACE) {
    try {
      const sources = listSources();
      main = findBundle(sources.text) ?? (await makeBundle(sources));
    } catch (error) {
      // A clone that can't be written to, or src in the middle of a change: src itself runs, or says what is wrong with it.
      const isReadOnly = error instanceof Error && 'code' in error && /^(?:EACCES|EPERM|EROFS)$/.test(String(error.code));
      if (!isReadOnly) console.error(`oakum: not bundled, so it starts slower: ${stripVTControlCharacters(String(error)).split('\n', 3).join(' ')}`);
    }
  }
  if (main.endsWith('.cjs')) require(main);
  else await import(main);
}

void launch();
