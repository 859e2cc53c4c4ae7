/** What the person looks at: a workload or collapsed namespace, or the calls between two of them. */
export type Selection =
  | { readonly kind: 'node'; readonly id: string }
  | { readonly kind: 'edge'; readonly source: string; readonly target: string };
