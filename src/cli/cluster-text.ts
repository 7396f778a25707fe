// SPDX-License-Identifier: Apache-2.0
import type {
  Blocker,
  Change,
  CheckReport,
  Difference,
  Installation,
  Plan,
  RepositoryEdit,
  Uninstallation,
} from '#consumers';
import { formatTable } from './format.ts';

const MOST_DIFFERENCES = 12;
const MOST_COLUMNS = 200;

/** Gives the plan of an installation or upgrade for people. */
export function formatPlan(plan: Plan): string {
  const { to, migrations, changes, warnings, blockers } = plan;
  const by = (action: Change['action']) => changes.filter((change) => change.action === action);
  const kept = by('keep').length;
  const parts = [
    formatCluster(plan.cluster),
    `From      ${plan.from === undefined ? 'nothing' : describeInstallation(plan.from)}`,
    `To        ${to.revision ?? to.release}${to.channel === undefined ? '' : `, channel ${to.channel}`}, namespace ${to.namespace}`,
    ...(migrations.length === 0 ? [] : ['', 'Migrate first']),
    ...migrations.map(
      ({ definition, storedBefore, to: version, objects, managed }) =>
        `  ${definition}: stored as ${storedBefore.join(', ')}, to be ${version}; ${objects} objects, ${managed} of them managed in a version that goes`,
    ),
    ...section('Create', by('create')),
    ...section('Change', by('change')),
    ...section('Delete', by('remove')),
    ...(changes.some(isUntried) ? ['', '* not tried: the namespace or kind it is of is yet to be made'] : []),
    ...(kept === 0 ? [] : ['', `As it is  ${kept} objects`]),
    ...(warnings.length === 0 ? [] : ['', ...warnings.map((warning) => `Note: ${warning}`)]),
    ...formatBlockers(blockers),
  ];
  return `${parts.join('\n')}\n`;
}

function formatCluster({ context, server, version }: Plan['cluster']): string {
  return `Cluster   ${context} (${server}), Kubernetes ${version.gitVersion}`;
}

function describeInstallation({ by, release, revision, channel, state }: Installation): string {
  const what = `${revision ?? release}${channel === undefined ? '' : `, channel ${channel}`}`;
  const how = by === 'oakum' ? '' : ', not installed by Oakum';
  return `${what}${how}${state === 'complete' ? '' : ', a change that did not end'}`;
}

function section(title: string, changes: readonly Change[]): readonly string[] {
  if (changes.length === 0) return [];
  return ['', `${title} (${changes.length})`, ...changes.flatMap(describeChange)];
}

function isUntried({ action, tried }: Change): boolean {
  return action === 'create' && !tried;
}

function describeChange(change: Change): readonly string[] {
  const { ref, differences, conflicts, stays, action } = change;
  const name = `${ref.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`;
  const untried = isUntried(change) ? ' *' : '';
  const owner = differences.length === 0 && action === 'change' ? ' (only its owner changes)' : '';
  const more = differences.length - MOST_DIFFERENCES;
  return [
    `  ${name}${untried}${owner}`,
    ...differences.slice(0, MOST_DIFFERENCES).map((difference) => `    ${describeDifference(difference)}`),
    ...(more > 0 ? [`    and ${more} more differences (--json tells all)`] : []),
    ...conflicts.map(({ field, manager }) => `    ${field} is owned by ${manager ?? 'another'}`),
    ...stays.map(({ manager, fields }) => `    stays as ${manager} set it: ${listed(fields)}`),
  ];
}

function listed(fields: readonly string[]): string {
  const more = fields.length - MOST_DIFFERENCES;
  return `${fields.slice(0, MOST_DIFFERENCES).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}

function describeDifference({ path, before, after }: Difference): string {
  if (before === undefined) return `+ ${path}: ${shown(after)}`;
  if (after === undefined) return `- ${path}: ${shown(before)}`;
  return `~ ${path}: ${shown(before)} -> ${shown(after)}`;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const line = text.replaceAll('\n', ' ');
  return line.length > MOST_COLUMNS ? `${line.slice(0, MOST_COLUMNS)}...` : line;
}

function formatBlockers(blockers: readonly Blocker[]): readonly string[] {
  if (blockers.length === 0) return [];
  return [
    '',
    'In the way',
    ...blockers.flatMap(({ message, hint }) => [`  ${message}`, `    ${hint.trimEnd().replaceAll('\n', '\n    ')}`]),
  ];
}

/** Gives the plan of an uninstallation for people. */
export function formatUninstallation({
  cluster,
  from,
  removed,
  kept,
  definitions,
  released,
  blockers,
}: Uninstallation): string {
  const name = ({ kind, namespace, name: own }: (typeof removed)[number]) =>
    `${kind} ${namespace === undefined ? '' : `${namespace}/`}${own}`;
  const parts = [
    formatCluster(cluster),
    `Installed ${describeInstallation(from)}, namespace ${from.namespace}`,
    '',
    `Delete (${removed.length})`,
    ...removed.map((ref) => `  ${name(ref)}`),
    ...(definitions.length === 0
      ? []
      : [
          '',
          `Delete with all their objects (${definitions.length})`,
          ...definitions.map(({ ref, objects }) => `  ${ref.name}: ${objects} objects`),
        ]),
    ...(released.length === 0
      ? []
      : ['', `Finalizers of Flux removed (${released.length})`, ...released.map((ref) => `  ${name(ref)}`)]),
    ...(kept.length === 0
      ? []
      : ['', `Stays (${kept.length})`, ...kept.map(({ ref, reason }) => `  ${name(ref)}: ${reason}`)]),
    ...formatBlockers(blockers),
  ];
  return `${parts.join('\n')}\n`;
}

/** Gives the report of a check for people. */
export function formatCheck(
  { cluster, installations, controllers, kubernetes, problems }: CheckReport,
  notes: readonly string[],
): string {
  const rows = controllers.map(({ ref, component, revision, channel, newer, available, vulnerabilities }) => [
    component,
    ref.namespace ?? '',
    revision ?? 'unknown',
    channel ?? '-',
    newer ?? '-',
    available ? 'yes' : 'no',
    vulnerabilities === undefined ? '?' : String(vulnerabilities.length),
  ]);
  const header = ['CONTROLLER', 'NAMESPACE', 'REVISION', 'CHANNEL', 'NEWER', 'AVAILABLE', 'OPEN'];
  const parts = [
    formatCluster(cluster),
    `Support   ${kubernetes.state}: ${kubernetes.words}`,
    ...installations.map((one) => `Installed ${describeInstallation(one)}, namespace ${one.namespace}`),
    ...(rows.length === 0 ? [] : ['', formatTable(header, rows).trimEnd()]),
    '',
    ...(problems.length === 0
      ? ['All is well.']
      : [
          `Wants attention (${problems.length})`,
          ...problems.flatMap(({ severity, subject, message, hint }) => [
            `  ${severity}: ${subject}: ${message}`,
            `    next: ${hint}`,
          ]),
        ]),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `Note: ${note}`)]),
  ];
  return `${parts.join('\n')}\n`;
}

/** Gives what an upgrade changes in a repository for people. */
export function formatRepository({ folder, files, skipped }: RepositoryEdit): string {
  const parts = [
    ...(files.length === 0
      ? [`${folder} says this revision already.`]
      : files.flatMap(({ path, changes }) => [`${path}:`, ...changes.map((change) => `  ${change}`)])),
    ...skipped.map(({ path, reason }) => `Not edited: ${path}: ${reason}`),
  ];
  return `${parts.join('\n')}\n`;
}
