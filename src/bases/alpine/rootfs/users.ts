// SPDX-License-Identifier: Apache-2.0

/** A system user that a package's script adds, in a group of the same name. */
export interface SystemUser {
  readonly name: string;
  readonly home: string;
  readonly shell: string;
  readonly description: string;
}

/** What scripts of packages would do to users and to the access to files, by package. */
export interface ScriptedWork {
  readonly users: readonly SystemUser[];
  /** The files whose group a script changes, and the group's number. */
  readonly groups: Readonly<Record<string, number>>;
}

/** The group `shadow` of alpine-baselayout-data. */
const SHADOW = 42;

/** As data what no script of ours runs. A package that is here adds no other users. */
const SCRIPTED: Readonly<Record<string, ScriptedWork>> = {
  'alpine-baselayout': { users: [], groups: { 'etc/shadow': SHADOW } },
  busybox: {
    users: [{ name: 'klogd', home: '/dev/null', shell: '/sbin/nologin', description: 'klogd' }],
    groups: {},
  },
};

/** Says what a package's scripts would do, as far as it is known; undefined for a package without such knowledge. */
export function scriptedWork(name: string): ScriptedWork | undefined {
  return SCRIPTED[name];
}

/** Says whether scripts add users or groups. */
export function addsUsers(scripts: readonly (readonly [string, string])[]): boolean {
  return scripts.some(
    ([kind, text]) =>
      kind.endsWith('-install') && /^\s*(?:[A-Z_]+=\S+\s+)?(?:add(?:user|group)|(?:user|group)add)\s/m.test(text),
  );
}

/** The three files that name users, as texts. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
  readonly shadow: string;
}

/**
 * Adds system users as `addgroup -S NAME` and `adduser -S -D -H -G NAME NAME` of busybox do: each gets the first number from 100 to 999
 * that is free (libbb, loginutils/adduser.c); one that is there stays. Passwords are locked, without a date.
 */
export function addUsers(files: UserFiles, users: readonly SystemUser[]): UserFiles {
  let { passwd, group, shadow } = files;
  for (const { name, home, shell, description } of users) {
    let gid = numberOf(group, name);
    if (gid === undefined) {
      gid = firstFree(group);
      group = `${ended(group)}${name}:x:${gid}:\n`;
    }
    if (numberOf(passwd, name) !== undefined) continue;
    passwd = `${ended(passwd)}${name}:x:${firstFree(passwd)}:${gid}:${description}:${home}:${shell}\n`;
    shadow = `${ended(shadow)}${name}:!::0:::::\n`;
  }
  return { passwd, group, shadow };
}

function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function linesOf(text: string): readonly (readonly string[])[] {
  return text.split('\n').map((line) => line.split(':'));
}

function numberOf(text: string, name: string): number | undefined {
  const found = linesOf(text).find(([first]) => first === name);
  return found === undefined ? undefined : Number(found[2]);
}

function firstFree(text: string): number {
  const taken = new Set(linesOf(text).map(([, , number]) => Number(number)));
  for (let number = 100; number <= 999; number += 1) if (!taken.has(number)) return number;
  throw new RangeError('no number is left for a system user');
}
