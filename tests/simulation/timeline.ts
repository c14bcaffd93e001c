// What happens next, by virtual time; of the same time, what was put up first.

interface Entry<T> {
  at: number;
  order: number;
  what: T;
}

/** A binary heap. */
export class Timeline<T> {
  private readonly heap: Entry<T>[] = [];
  private count = 0;

  add(at: number, what: T): void {
    const { heap } = this;
    const entry = { at, order: this.count, what };
    this.count += 1;
    let place = heap.length;
    for (let above = (place - 1) >> 1; place > 0; above = (place - 1) >> 1) {
      const parent = heap[above];
      if (parent === undefined || before(parent, entry)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = entry;
  }

  take(): { at: number; what: T } | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      const [below, child] = b !== undefined && a !== undefined && before(b, a) ? [left + 1, b] : [left, a];
      if (child === undefined || before(last, child)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
    return first;
  }
}

const before = <T>(a: Entry<T>, b: Entry<T>): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
