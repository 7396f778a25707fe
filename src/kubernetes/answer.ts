// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type FieldCause, KubernetesError, type KubernetesErrorCode } from './error.ts';

const statusSchema = z.looseObject({
  kind: z.literal('Status'),
  reason: z.string().optional(),
  message: z.string().optional(),
  details: z
    .looseObject({
      causes: z
        .array(
          z.looseObject({
            reason: z.string().optional(),
            message: z.string().optional(),
            field: z.string().optional(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});

interface SaidCause {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly field?: string | undefined;
}

/** One answer of the API server, read whole. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly url: string;
  readonly warnings: readonly string[];
}

/** Takes an answer that is no success and what was being done ("apply Deployment a/b"); gives it as an error. */
export function toError({ status, text, url }: Answer, doing: string): KubernetesError {
  const parsed = statusSchema.safeParse(parseJson(text));
  const said = (parsed.success ? parsed.data.message : undefined) ?? `status ${status}`;
  const causes = (parsed.success ? (parsed.data.details?.causes ?? []) : []).map(toCause);
  const reason = parsed.success ? parsed.data.reason : undefined;
  const [code, hint] = meaningOf(status, reason, causes);
  return new KubernetesError(code, `could not ${doing}: ${shorten(said)}${describeCauses(causes, said)}`, {
    where: url,
    status,
    causes,
    hint,
  });
}

/** Reads an answer's JSON; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Takes an answer and the shape it should have; gives what is in it. Throws where what answers there is no API server. */
export function valueIn<T>({ text, url }: Answer, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new KubernetesError('CLUSTER_REFUSED', 'what answers there is no Kubernetes API server', {
    where: url,
    hint: 'Check the server of this context; a proxy or a login page may answer in its place.',
  });
}

/** Server-side apply names who owns a field in words alone: `conflict with "kubectl" using apps/v1`. */
function toCause({ reason, message = '', field = '' }: SaidCause): FieldCause {
  const manager = reason === 'FieldManagerConflict' ? /^conflict with "([^"]*)"/.exec(message)?.[1] : undefined;
  return { field, message, ...(manager === undefined ? {} : { manager }) };
}

function meaningOf(
  status: number,
  reason: string | undefined,
  causes: readonly FieldCause[],
): [KubernetesErrorCode, string] {
  if (status === 401)
    return [
      'CLUSTER_UNAUTHENTICATED',
      'The credentials of this context are wrong or over: log in again, or choose another with --context.',
    ];
  if (status === 403)
    return [
      'CLUSTER_FORBIDDEN',
      'Ask who runs the cluster for this right, or choose a context that has it with --context.',
    ];
  if (status === 404) return ['CLUSTER_NOT_FOUND', 'It may be gone already; see `kubectl get`.'];
  if (status === 409) {
    const managers = [...new Set(causes.flatMap(({ manager }) => manager ?? []))];
    return [
      'CLUSTER_CONFLICT',
      managers.length === 0
        ? 'Someone else changed it at the same time: run again.'
        : `${managers.join(', ')} owns these fields: let go of them there, or take them over (--force-conflicts).`,
    ];
  }
  if (status === 410 || reason === 'Expired') return ['CLUSTER_GONE', 'Run again.'];
  if (status === 422 || status === 400)
    return ['CLUSTER_INVALID', 'The object is not as this version of Kubernetes wants it: see the fields named.'];
  return ['CLUSTER_REFUSED', 'Run again; if it happens each time, ask who runs the cluster.'];
}

/** The server's sentence often tells all causes already. */
function describeCauses(causes: readonly FieldCause[], said: string): string {
  const untold = causes.filter(({ field, message }) => !said.includes(field) || !said.includes(message));
  return untold.map(({ field, message }) => `\n  ${field}: ${shorten(message)}`).join('');
}

function shorten(text: string): string {
  return text.length > 1000 ? `${text.slice(0, 1000)} ...` : text;
}
