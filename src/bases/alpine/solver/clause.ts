// SPDX-License-Identifier: Apache-2.0

/** A disjunction of literals: `v` is "variable v is true", `-v` that it is false. Variables count from 1. */
export interface Clause<Origin> {
  readonly literals: number[];
  /** Why it holds; learned clauses have none, but those that they follow from. */
  readonly origin?: Origin;
  readonly from?: readonly Clause<Origin>[];
}
