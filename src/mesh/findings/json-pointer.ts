/** `spec.subsets[0].trafficPolicy.tls` as a JSON pointer, `/spec/subsets/0/trafficPolicy/tls` (RFC 6901). */
export function pointer(field: string): string {
  return field
    .replaceAll('~', '~0')
    .replaceAll('/', '~1')
    .replace(/^|\.|\[/g, '/')
    .replaceAll(']', '');
}
