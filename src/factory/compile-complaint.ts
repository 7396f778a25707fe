// SPDX-License-Identifier: Apache-2.0

/** What a failed compile says: the compiler about the source, Go about the machine, or something that may be either. */
export interface CompileComplaint {
  readonly about: 'source' | 'machine' | 'unknown';
  /** The line that says it. */
  readonly said: string;
}

const OF_THE_SOURCE = /^\S+\.\w+:\d+(?::\d+)?: /;
const OF_THE_MACHINE =
  /signal: killed|signal: bus error|cannot allocate memory|failed to create new OS thread|resource temporarily unavailable|no space left on device|too many open files|input\/output error/i;

/** Takes the message of a failed compile, Go's last lines; gives what of them tells most. A compiler that lacks memory says nothing of the source. */
export function readComplaint(message: string): CompileComplaint {
  const lines = message.split('\n').map((line) => line.trim());
  const complaint = lines.find((line) => OF_THE_SOURCE.test(line));
  if (complaint !== undefined) return { about: 'source', said: complaint };
  const fault = lines.find((line) => OF_THE_MACHINE.test(line));
  if (fault !== undefined) return { about: 'machine', said: fault };
  const [head = '', ...rest] = lines.filter((line) => line !== '' && !line.startsWith('#')); // `# package` comes before what is said of it
  return { about: 'unknown', said: rest[0] ?? head };
}
