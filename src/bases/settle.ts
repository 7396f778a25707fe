// SPDX-License-Identifier: Apache-2.0

/**
 * Takes running work; gives all results in order, or throws the first failure by that order, but only once nothing
 * runs any more. Promise.all would leave the others writing to the cache behind a caller that has gone on.
 */
export async function settleAll<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}
