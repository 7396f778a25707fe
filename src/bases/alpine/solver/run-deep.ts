// SPDX-License-Identifier: Apache-2.0

/** Runs a generator that yields generators to be run before it goes on: recursion whose depth the stack does not bound. */
export function runDeep(start: Generator): void {
  const stack: Generator[] = [start];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { done, value } = top.next();
    if (done === true) stack.pop();
    else stack.push(value as Generator);
  }
}
