/** Finds the selectors that match some labels without asking each of them. */
import type { StringMap } from '../istio/fields.ts';
import { matchesLabels } from '../istio/selector.ts';

/** Items filed under one of the labels that they ask for; those that ask for none are filed apart. */
export class LabelIndex<Item> {
  private readonly filed = new Map<
    string,
    { readonly order: number; readonly selector: StringMap; readonly item: Item }[]
  >();
  private readonly open: { readonly order: number; readonly item: Item }[] = [];
  private count = 0;

  add(selector: StringMap, item: Item): void {
    const order = this.count++;
    for (const label in selector) {
      const key = `${label}=${selector[label]}`;
      const list = this.filed.get(key);
      if (list === undefined) this.filed.set(key, [{ order, selector, item }]);
      else list.push({ order, selector, item });
      return;
    }
    this.open.push({ order, item });
  }

  /** The items whose selector matches, in the order in which they were added. */
  matching(labels: StringMap): readonly Item[] {
    const found: { readonly order: number; readonly item: Item }[] = [...this.open];
    for (const label in labels) {
      for (const entry of this.filed.get(`${label}=${labels[label]}`) ?? []) {
        if (matchesLabels(entry.selector, labels)) found.push(entry);
      }
    }
    return found.sort((a, b) => a.order - b.order).map((entry) => entry.item);
  }
}
