// SPDX-License-Identifier: Apache-2.0
import { type GoMod, parseGoMod } from '#formats';
import type { ReadGoMod } from '../module-graph.ts';

/** A toy's go.mod: `require` holds `path@version`; `lines` are put in as they are. */
export interface Toy {
  readonly go?: string;
  readonly require?: readonly string[];
  readonly lines?: readonly string[];
}

/** Modules that exist only here, by `path@version`. */
export interface ToyModules {
  readonly readGoMod: ReadGoMod;
  /** Each that was read, in order. */
  readonly read: string[];
  /** The go.mod of a main module, of Go 1.26 unless it says otherwise. */
  readonly main: (toy: Toy) => GoMod;
}

/** Gives toys to solve; one that is not named can't be read. */
export function toyModules(toys: Readonly<Record<string, Toy>>): ToyModules {
  const read: string[] = [];
  return {
    read,
    main: (toy) => parseGoMod(goModOf('main.test/main', toy)),
    async readGoMod(place) {
      const name = place.kind === 'module' ? `${place.module.path}@${place.module.version}` : place.folder;
      const toy = toys[name];
      if (toy === undefined) throw new Error(`no toy ${name}`);
      read.push(name);
      return parseGoMod(goModOf(name.split('@', 1)[0] ?? '', toy));
    },
  };
}

/** Gives the text of a go.mod. */
export function goModOf(path: string, { go = '1.26', require = [], lines = [] }: Toy): string {
  const requires = require.map((name) => `\t${name.replace('@', ' ')}\n`);
  return `module ${path}\n\ngo ${go}\n\nrequire (\n${requires.join('')})\n${lines.join('\n')}\n`;
}
