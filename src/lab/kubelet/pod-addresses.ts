/** Addresses for pods: each node has a range of its own below 10.244.0.0/16. */
import type { LabNode } from './node-environment.ts';

/** Thirty-two times 254 addresses for each node: `10.244.0.0/19`, `10.244.32.0/19`, and so on. */
const thirdNumbers = 32;
const perThird = 254;

export const maxNodes = 8;

/** The range of the node with this index, in CIDR notation. */
export function podCidr(index: number): string {
  return `10.244.${index * thirdNumbers}.0/19`;
}

export interface Addresses {
  /** A free address; the one given back longest ago, so that late callers do not meet another pod. Throws when none is left. */
  take(node: LabNode): string;
  release(ip: string): void;
}

export function createAddresses(): Addresses {
  const used = new Set<string>();
  const next = new Map<string, number>();
  return {
    take(node) {
      const total = thirdNumbers * perThird;
      for (let tries = 0; tries < total; tries += 1) {
        // The first address of a range is the bridge's.
        const number = next.get(node.name) ?? 1;
        next.set(node.name, (number + 1) % total);
        const ip = `10.244.${node.index * thirdNumbers + Math.floor(number / perThird)}.${(number % perThird) + 1}`;
        if (used.has(ip)) continue;
        used.add(ip);
        return ip;
      }
      throw new Error(`node ${node.name} has no free pod address`);
    },
    release: (ip) => {
      used.delete(ip);
    },
  };
}
