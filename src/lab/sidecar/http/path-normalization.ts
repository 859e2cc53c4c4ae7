/**
 * Envoy's `normalize_path`: dot segments resolved and percent-encoded unreserved characters decoded (RFC 3986 §6.2.2,
 * as Chromium's URL library does it), so that policies judge the path that the application will see.
 */
export function normalizePath(target: string): string {
  const cut = target.search(/[?#]/);
  const path = cut === -1 ? target : target.slice(0, cut);
  const rest = cut === -1 ? '' : target.slice(cut);
  if (!/%|\/\.|\\/.test(path) || !path.startsWith('/')) return target;
  return removeDotSegments(decodeUnreserved(path.replaceAll('\\', '/'))) + rest;
}

function decodeUnreserved(path: string): string {
  return path.replaceAll(/%([0-9a-fA-F]{2})/g, (whole, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : whole;
  });
}

/** RFC 3986 §5.2.4 for an absolute path. */
function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    if (last && (segment === '.' || segment === '..')) kept.push('');
  }
  return `/${kept.join('/')}`;
}
