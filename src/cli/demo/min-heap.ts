/** A binary heap: the least item first. */
export interface MinHeap<Item> {
  first(): Item | undefined;
  push(item: Item): void;
  removeFirst(): Item | undefined;
  /** Restores the order after the first item was made larger in place. */
  settleFirst(): void;
}

/** An empty heap ordered by `isBefore`. */
export function createMinHeap<Item extends object>(isBefore: (a: Item, b: Item) => boolean): MinHeap<Item> {
  const items: Item[] = [];

  const sink = (moving: Item): void => {
    let index = 0;
    for (;;) {
      const leftIndex = 2 * index + 1;
      const left = items[leftIndex];
      if (left === undefined) break;
      const right = items[leftIndex + 1];
      const useRight = right !== undefined && isBefore(right, left);
      const child = useRight ? right : left;
      if (!isBefore(child, moving)) break;
      items[index] = child;
      index = useRight ? leftIndex + 1 : leftIndex;
    }
    items[index] = moving;
  };

  return {
    first: () => items[0],
    push(item) {
      let index = items.length;
      while (index > 0) {
        const parentIndex = (index - 1) >> 1;
        const parent = items[parentIndex];
        if (parent === undefined || !isBefore(item, parent)) break;
        items[index] = parent;
        index = parentIndex;
      }
      items[index] = item;
    },
    removeFirst() {
      const first = items[0];
      const last = items.pop();
      if (last !== undefined && items.length > 0) sink(last);
      return first;
    },
    settleFirst() {
      const first = items[0];
      if (first !== undefined) sink(first);
    },
  };
}
