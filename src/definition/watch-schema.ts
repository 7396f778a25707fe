// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** What there is to tell. */
export const NOTICE_KINDS = [
  'finding.new',
  'fix.published',
  'decision.needed',
  'breach.ahead',
  'feed.stale',
  'build.failed',
  'release.upstream',
] as const;

const secretPlace = z
  .union([
    z.strictObject({
      env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable'),
    }),
    z.strictObject({ file: z.string().min(1).describe('Relative to this file.') }),
  ])
  .describe('Where the address lies, since it is a secret: an environment variable, or a file.');

const shared = {
  url: secretPlace,
  events: z.array(z.enum(NOTICE_KINDS)).min(1).optional().describe('Which notices. Default: all.'),
  insecure: z.boolean().optional().describe('Whether the address may be one without TLS. Default: only on loopback.'),
};

const mailbox = z.string().regex(/^[^\s<>@,;]+@[^\s<>@,;]+$/, 'must be a mail address, like security@example.com');

const notify = z.discriminatedUnion('kind', [
  z
    .strictObject({ kind: z.enum(['cloudevents', 'slack', 'json']), ...shared })
    .describe('An HTTP POST: a CloudEvent in JSON, a message for an incoming webhook of Slack, or plain JSON.'),
  z
    .strictObject({ kind: z.literal('email'), ...shared, from: mailbox, to: z.array(mailbox).min(1) })
    .describe('Mail; the address is smtps://USER:PASSWORD@HOST, or smtp:// for STARTTLS.'),
]);

/** The section `watch` of distribution.yaml. */
export const watch = z
  .strictObject({
    every: z.int().min(1).max(168).default(6).describe('Hours from the start of one round to that of the next.'),
    releases: z
      .array(z.string().regex(/^[0-9]+\.[0-9]+(?:\.[0-9]+)?$/, 'must be a line or a release, like 2.9 or 2.9.2'))
      .default([])
      .describe('Lines or releases. Default: that of the release document in ./out.'),
    patch: z
      .enum(['auto', 'ask'])
      .default('ask')
      .describe('auto: patch and publish what can be fixed; ask: write a decision request.'),
    automatic: z
      .array(z.enum(['critical', 'high', 'medium', 'low', 'unknown']))
      .min(1)
      .default(['critical', 'high', 'medium', 'low', 'unknown'])
      .describe('With patch: auto, patch by itself where a finding with a fix has one of these severities; else ask.'),
    breachWithin: z
      .int()
      .min(1)
      .max(720)
      .default(24)
      .describe('A breach is told of when it is at most this many hours ahead.'),
    notify: z.array(notify).default([]).describe('Whom to tell.'),
  })
  .describe('What `oakum watch` does.');
