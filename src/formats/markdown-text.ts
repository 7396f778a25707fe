// SPDX-License-Identifier: Apache-2.0

/**
 * Gives what strangers wrote as Markdown that stays text, in one line: no markup, and no link, mention or reference to an issue that GitHub
 * would make of it.
 */
export function markdownText(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .replace(/[\\`*_~[\]{}<>|!]/g, (sign) => `\\${sign}`)
    .replaceAll('&', '&amp;')
    .replace(/[@#](?=\w)/g, '$&&#8203;') // a space of no width: GitHub looks for these in the finished text
    .replace(/:(?=\/\/)|(?<=www)\./gi, (sign) => `&#${sign.charCodeAt(0)};`);
}
