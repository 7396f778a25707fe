// SPDX-License-Identifier: Apache-2.0
import type { RootForm } from './types.ts';
import type { UnpackedEntry } from './unpack-deb.ts';

/** What of the packages does not come into the root, and why. A path rule drops the path and all below it. */
interface DropRule {
  readonly paths: RegExp;
  readonly reason: string;
}

const PROGRAM_PLACES = /^usr\/(?:local\/)?s?bin\/./;

/** The rules for paths; the first that matches gives the reason. */
const DROPPED_PATHS: readonly DropRule[] = [
  {
    paths: below('usr/share/(?:man|info|locale|help)'),
    reason: 'manuals and translations: nobody reads them in a container',
  },
  {
    paths: /^usr\/share\/doc\/[^/]+\/(?!copyright$)/,
    reason: 'documentation; the copyright file stays, licences demand it',
  },
  { paths: below('usr/share/(?:lintian|bug|menu|doc-base|dict|misc)'), reason: 'serves packaging or desktops only' },
  { paths: below('usr/share/base-files'), reason: 'templates for a shell that is not there' },
  { paths: below('etc/(?:profile\\.d|skel|update-motd\\.d|default|issue|issue\\.net|motd)'), reason: 'serves logins' },
  { paths: below('(?:etc/(?:bash_completion\\.d)|usr/share/(?:bash-completion|zsh|fish))'), reason: 'serves shells' },
  { paths: below('etc/(?:cron\\.[a-z]+|cron|anacron|logrotate\\.d)'), reason: 'no cron runs here' },
  {
    paths: below(
      '(?:etc/(?:init\\.d|rc[0-9S]\\.d|systemd|tmpfiles\\.d)|usr/lib/(?:systemd|tmpfiles\\.d|sysusers\\.d|udev))',
    ),
    reason: 'no init system runs here',
  },
  { paths: below('(?:etc|usr/share|var/lib|var/cache)/(?:apt|debconf)'), reason: 'no package manager' },
  {
    paths: below('(?:etc|usr/share)/ca-certificates'),
    reason: 'each certificate stands in the bundle /etc/ssl/certs/ca-certificates.crt',
  },
  {
    paths: /^usr\/share\/zoneinfo\/localtime$/,
    reason: 'a link to /etc/localtime, which is not there: the time zone is UTC or what TZ says',
  },
  { paths: below('usr/(?:games|include|src)'), reason: 'nothing is played or compiled here' },
  { paths: below('(?:boot|var/(?:backups|local|spool|misc|lib/misc))'), reason: 'empty folders that nothing uses' },
];

/** Folders whose links to /usr base-files ships; what a package puts below them lies below /usr (Debian policy 10.1, merged /usr). */
const MERGED = /^(?:bin|sbin|lib|lib32|lib64|libx32|libo32)(?=\/)/;

/** Takes a path of a package; gives the path in a root whose /bin, /sbin and /lib are links into /usr. */
export function mergedUsrPath(path: string): string {
  return MERGED.test(path) ? `usr/${path}` : path;
}

/**
 * Says why an entry stays out of the root; undefined where it comes in. Unless programs are wanted, beside the paths above no file
 * comes in that could be run: none with an execute bit, no script whatever its mode, and of ELF files shared libraries only.
 */
export function dropReason(path: string, entry: UnpackedEntry, { programs = false }: RootForm): string | undefined {
  const rule = DROPPED_PATHS.find(({ paths }) => paths.test(path));
  if (rule !== undefined) return rule.reason;
  if (programs) return undefined;
  if (PROGRAM_PLACES.test(path)) return 'programs, and links to programs: the image runs one binary only, its own';
  if (entry.kind !== 'file') return undefined;
  if (entry.content === 'script') return 'a script: there is no interpreter';
  if (entry.content === 'elf' && isSharedLibrary(path)) return undefined;
  if (entry.content === 'elf') return 'a program: the image runs one binary only, its own';
  return (entry.mode & 0o111) === 0 ? undefined : 'an executable: the image runs one binary only, its own';
}

function isSharedLibrary(path: string): boolean {
  return /^usr\/lib\/.*\.so(?:\.[0-9][^/]*)?$/.test(path);
}

function below(path: string): RegExp {
  return new RegExp(`^(?:${path})(?:/|$)`);
}
