/** Follows a list of operations with a surface: new ones are applied, undone ones taken back, each at the cost of its own area. */

/** A surface that operations change; `apply` returns what was there before, `restore` puts it back. */
export interface Surface<Operation, Before> {
  readonly apply: (operation: Operation) => Before;
  readonly restore: (before: Before) => void;
  /** Back to how the surface was before the first operation. */
  readonly reset: () => void;
  /** Pixels that `before` holds in memory. */
  readonly weight: (before: Before) => number;
}

/** Pixels of "before" pictures that one surface may keep; beyond, the oldest are forgotten and undo replays. */
const BUDGET = 24_000_000;

/** A surface that remembers which operations it shows. */
export function follower<Operation, Before>(surface: Surface<Operation, Before>) {
  let shown: readonly Operation[] = [];
  let saved: (Before | null)[] = [];

  const forgetOldest = () => {
    let weight = 0;
    for (let i = saved.length - 1; i >= 0; i--) {
      const before = saved[i];
      if (before === null || before === undefined) continue;
      weight += surface.weight(before);
      if (weight > BUDGET) saved[i] = null;
    }
  };

  const backTo = (count: number) => {
    const reachable = saved.slice(count).every((before) => before !== null);
    if (!reachable) {
      surface.reset();
      saved = [];
      return 0;
    }
    for (let i = saved.length - 1; i >= count; i--) surface.restore(saved[i] as Before);
    saved = saved.slice(0, count);
    return count;
  };

  return {
    /** Makes the surface show `operations`; true when anything changed. */
    show(operations: readonly Operation[]): boolean {
      if (operations === shown) return false;
      let common = 0;
      while (common < shown.length && shown[common] === operations[common]) common++;
      if (common === shown.length && common === operations.length) {
        shown = operations;
        return false;
      }
      const start = common < shown.length ? backTo(common) : common;
      for (const operation of operations.slice(start)) saved.push(surface.apply(operation));
      forgetOldest();
      shown = operations;
      return true;
    },
    /** Starts over: the next `show` applies everything. */
    forget(): void {
      surface.reset();
      saved = [];
      shown = [];
    },
  };
}
