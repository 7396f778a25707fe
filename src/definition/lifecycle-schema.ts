// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

const day = z.iso.date('must be a day, like 2027-06-30');

/** `1.30` without quotes is the number 1.3 in YAML, so numbers are refused in words that say so. */
const minor = z
  .string('must be a minor in quotes, like "1.30": without them YAML makes a number of it')
  .regex(/^(?:0|[1-9][0-9]{0,4})\.(?:0|[1-9][0-9]{0,4})$/, 'must be a minor, like "1.30"');

const longTerm = z
  .strictObject({
    until: day.describe('Its last day.'),
    kubernetes: z
      .array(minor)
      .min(1)
      .optional()
      .describe('The Kubernetes minors it is for. Default: those it was for when its usual support ended.'),
  })
  .describe('A line with long-term support.');

const override = z
  .strictObject({
    product: z.enum(['flux', 'kubernetes', 'eks', 'aks', 'gke', 'openshift']),
    cycle: minor.describe('A minor of the product, like "1.37".'),
    released: day.optional().describe('The day it came out.'),
    standard: day.optional().describe('The last day of standard support.'),
    extended: day.optional().describe('The last day of extended or long-term support.'),
    noted: day.describe('When this was found out.'),
    source: z
      .string()
      .min(8, 'must say where the dates stand')
      .describe('Where the dates stand; a URL where there is one.'),
  })
  .refine(({ released, standard, extended }) => [released, standard, extended].some((one) => one !== undefined), {
    error: 'must give at least one of released, standard and extended',
  })
  .describe('Dates that lead over those of the feed endoflife.');

/** The section `lifecycle` of distribution.yaml. */
export const lifecycle = z
  .strictObject({
    lines: z.int().min(1).max(20).default(3).describe('How many of the newest lines are supported.'),
    kubernetes: z
      .int()
      .min(1)
      .max(20)
      .default(6)
      .describe('How many of the newest Kubernetes minors a supported line is for.'),
    warnDays: z.int().min(1).max(730).default(90).describe('What ends within so many days is warned of.'),
    lts: z.record(minor, longTerm).default({}).describe('Lines with long-term support, by their names.'),
    overrides: z.array(override).default([]).describe('Dates of our own. All others come from the feed endoflife.'),
  })
  .describe('How long lines are supported, and for which Kubernetes.');
