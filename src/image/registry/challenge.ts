// SPDX-License-Identifier: Apache-2.0

/** One challenge of a WWW-Authenticate header (RFC 9110 section 11.6.1): scheme in lower case, parameters by lower-case name. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

// A scheme is a token that is followed by a space (or the end), not by "="; a parameter is token = (token | quoted-string).
const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
const PARAMETER = new RegExp(`^(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))\\s*(?:,\\s*|$)`);
const SCHEME = new RegExp(`^(${TOKEN})(?:\\s+|\\s*,\\s*|$)`);

/** Takes the header's value (several may be joined by commas); gives the challenges; what is malformed ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let rest = header.trim().slice(0, 8192);
  while (rest !== '') {
    const parameter = PARAMETER.exec(rest);
    const current = challenges.at(-1);
    if (parameter !== null && current !== undefined) {
      const [all, name = '', quoted, plain = ''] = parameter;
      current.parameters[name.toLowerCase()] = quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1');
      rest = rest.slice(all.length);
      continue;
    }
    const scheme = SCHEME.exec(rest);
    if (scheme === null) break;
    challenges.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters: {} });
    rest = rest.slice(scheme[0].length);
  }
  return challenges;
}
