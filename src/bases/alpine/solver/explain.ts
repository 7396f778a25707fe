// SPDX-License-Identifier: Apache-2.0
import type { ApkDependency } from '#formats';
import { BaseError } from '../../error.ts';
import type { Candidate } from './catalog.ts';
import type { Clause } from './clause.ts';
import type { Need, Origin } from './needs.ts';
import { search } from './search.ts';
import { satisfies, type Universe } from './universe.ts';

const MOST_SENTENCES = 20;
/** Origins beyond which the core is told as it is, not made as small as can be. */
const MOST_MINIMIZED = 300;

/** Makes the error for a list that can't be met: the reasons, each a step of the chain, from the list down. */
export function explain(core: readonly Origin[], universe: Universe): BaseError {
  const reasons = inChain(minimize(core, universe));
  const sentences = reasons.slice(0, MOST_SENTENCES).map((one) => sentenceOf(one, universe));
  const rest = reasons.length > MOST_SENTENCES ? [`and ${reasons.length - MOST_SENTENCES} more reasons`] : [];
  return new BaseError(
    'BASE_UNSATISFIABLE',
    `the packages of the base do not go together: ${[...new Set(sentences), ...rest].join('; ')}`,
    { hint: 'Change `packages` or `repositories` of the base in the definition so that one of these no longer holds.' },
  );
}

/** Makes the error for a name that several packages provide, none of which apk takes by itself. */
export function explainChoice({ origin }: Need, universe: Universe): BaseError {
  const { dependency, owner } = origin;
  const names = [...new Set(universe.catalog.providersOf(dependency.name).map((one) => one.package.name))];
  return new BaseError(
    'BASE_UNSATISFIABLE',
    `${ownerName(owner, universe)} needs ${wordOf(dependency)}, which no package is taken for by itself; there are ${listed(names)}`,
    { hint: `Name one of them under \`packages\` of the base in the definition.` },
  );
}

/** Leaves out each origin without which there is a contradiction still. */
function minimize(core: readonly Origin[], { candidates }: Universe): readonly Origin[] {
  if (core.length > MOST_MINIMIZED) return core;
  let kept = [...core];
  for (const one of core) {
    const fewer = kept.filter((other) => other !== one);
    if (isContradiction(fewer, candidates.length - 1)) kept = fewer;
  }
  return kept;
}

function isContradiction(origins: readonly Origin[], variables: number): boolean {
  const outcome = search<Origin>(
    {
      variables,
      clausesOf: (variable) => (variable === 1 ? origins.map(clauseOf) : []),
      rivalsOf: () => [],
      decide: (isTrue) => origins.flatMap((one) => openProvider(one, isTrue))[0],
    },
    2000,
  );
  return outcome.kind === 'contradiction';
}

function openProvider(origin: Origin, isTrue: (variable: number) => boolean | undefined): readonly number[] {
  if (origin.kind !== 'need' || isTrue(origin.owner) !== true || origin.providers.some((one) => isTrue(one) === true)) {
    return [];
  }
  return origin.providers.filter((one) => isTrue(one) === undefined);
}

function clauseOf(origin: Origin): Clause<Origin> {
  const others = origin.kind === 'need' ? origin.providers : [-origin.other];
  return { literals: [-origin.owner, ...others], origin };
}

/** From the list down: each reason after the one that brought its owner in, and straight after it where that can be. */
function inChain(origins: readonly Origin[]): readonly Origin[] {
  const chain: Origin[] = [];
  const reached = [1];
  const needs = origins.flatMap((one) => (one.kind === 'need' ? [one] : [])).sort(byName);
  while (needs.length > 0) {
    const owner = reached.findLast((one) => needs.some((need) => need.owner === one));
    const [next] = needs.splice(owner === undefined ? 0 : needs.findIndex((need) => need.owner === owner), 1);
    if (next === undefined) break;
    chain.push(next);
    reached.push(...next.providers.toReversed());
  }
  return [...chain, ...origins.filter(({ kind }) => kind !== 'need')];
}

function byName(a: Extract<Origin, { kind: 'need' }>, b: Extract<Origin, { kind: 'need' }>): number {
  return a.dependency.name < b.dependency.name ? -1 : a.dependency.name > b.dependency.name ? 1 : 0;
}

function sentenceOf(origin: Origin, universe: Universe): string {
  const owner = ownerName(origin.owner, universe);
  if (origin.kind === 'conflict') {
    return `${owner} ${origin.owner === 1 ? 'excludes' : 'conflicts with'} ${wordOf({ ...origin.dependency, conflict: false })}, which ${nameOf(origin.other, universe)} is`;
  }
  if (origin.kind === 'same') {
    const other = nameOf(origin.other, universe);
    const both = `${owner} and ${other}`;
    return isVersionOf(origin, universe)
      ? `${both} can't both be there`
      : `${both} both provide ${origin.name}, which only one may`;
  }
  const { dependency, providers } = origin;
  if (providers.length === 0) return `${owner} needs ${wordOf(dependency)}, ${whyNone(dependency, universe)}`;
  return `${owner} needs ${wordOf(dependency)} (${listed(providers.map((one) => nameOf(one, universe)))})`;
}

function isVersionOf(origin: Extract<Origin, { kind: 'same' }>, { candidates }: Universe): boolean {
  return candidates[origin.owner]?.package.name === candidates[origin.other]?.package.name;
}

function whyNone(dependency: ApkDependency, { catalog }: Universe): string {
  const there = catalog.providersOf(dependency.name);
  if (dependency.broken === true) return 'which is no version that apk understands';
  if (there.length === 0) return 'which no repository has';
  const fitting = there.filter((one) => satisfies(dependency, one));
  const unusable = fitting.filter((one) => one.isSelfContradictory);
  if (unusable.length > 0)
    return `but ${listed(unusable.map((one) => titleOf(one, dependency.name)))} provides one name twice`;
  const broken = fitting.flatMap((one) => one.depends.filter((own) => own.broken === true).map((own) => own.name));
  if (broken.length > 0)
    return `which can't be installed, as it needs ${listed(broken)}, which apk does not understand`;
  const tags = new Set(fitting.flatMap((one) => [...one.tags]));
  if (fitting.length === 0)
    return `of which there is only ${listed(there.map((one) => titleOf(one, dependency.name)))}`;
  if (!tags.has('')) return `which only repositories with the tag ${[...tags].map((tag) => `@${tag}`).join(', ')} have`;
  return `which no package is taken for by itself; there are ${listed(fitting.map((one) => one.package.name))}`;
}

function titleOf(one: Candidate, name: string): string {
  const provided = one.provides.get(name);
  const as = one.package.name === name ? '' : ` (as ${name}${provided === undefined ? '' : `=${provided}`})`;
  return `${one.package.name} ${one.package.version}${as}`;
}

function ownerName(variable: number, universe: Universe): string {
  return variable === 1 ? 'the base' : nameOf(variable, universe);
}

function nameOf(variable: number, { candidates }: Universe): string {
  const one = candidates[variable]?.package;
  return one === undefined ? 'the base' : `${one.name} ${one.version}`;
}

function wordOf({ name, conflict, tag, operator, version }: ApkDependency): string {
  const sign = operator === undefined ? '' : operator === '=~' ? '~' : operator === '=>' ? '>=' : operator;
  return `${conflict ? '!' : ''}${name}${tag === undefined ? '' : `@${tag}`}${sign}${version ?? ''}`;
}

function listed(names: readonly string[]): string {
  const unique = [...new Set(names)];
  return unique.length > 5 ? `${unique.slice(0, 5).join(', ')} and ${unique.length - 5} more` : unique.join(', ');
}
