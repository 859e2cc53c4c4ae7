/** Content negotiation: JSON, tables and metadata alone; YAML on the way in; protobuf is refused. */
import { ApiStatus } from '../status.ts';

/** How an answer is written: whole objects, a table of them, or their metadata alone. */
export interface Representation {
  readonly as: 'Object' | 'Table' | 'PartialObjectMetadata';
}

interface MediaType {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

function parseMediaTypes(header: string): readonly MediaType[] {
  return header.split(',').map((part) => {
    const [type = '', ...rest] = part.split(';').map((piece) => piece.trim());
    const parameters = Object.fromEntries(
      rest.map((one) => {
        const at = one.indexOf('=');
        return at === -1 ? [one, ''] : [one.slice(0, at), one.slice(at + 1)];
      }),
    );
    return { type: type.toLowerCase(), parameters };
  });
}

const jsonTypes: ReadonlySet<string> = new Set(['application/json', '*/*', 'application/*', '']);

/**
 * Picks the first representation in `Accept` that the server can write.
 * @throws ApiStatus NotAcceptable where there is none.
 */
export function representation(accept: string | undefined): Representation {
  let asksForm = false;
  for (const { type, parameters } of parseMediaTypes(accept ?? '')) {
    if (!jsonTypes.has(type)) continue;
    const { as, v, g } = parameters;
    if (as === undefined) return { as: 'Object' };
    asksForm = true;
    if (g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) continue;
    if (as === 'Table') return { as };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')
      return { as: 'PartialObjectMetadata' };
  }
  if (asksForm) {
    throw new ApiStatus('NotAcceptable', 'only the following media types are accepted: application/json');
  }
  throw notAcceptable(['application/json']);
}

/** True where the client asks for aggregated discovery, the newest form first. */
export function wantsAggregatedDiscovery(accept: string | undefined): string | undefined {
  for (const { type, parameters } of parseMediaTypes(accept ?? '')) {
    if (type !== 'application/json') continue;
    if (parameters.as === undefined) return undefined;
    if (parameters.as !== 'APIGroupDiscoveryList' || parameters.g !== 'apidiscovery.k8s.io') continue;
    if (parameters.v === 'v2' || parameters.v === 'v2beta1') return parameters.v;
  }
  return undefined;
}

export function notAcceptable(available: readonly string[]): ApiStatus {
  const message = `406: Not Acceptable\n\nAvailable representations: ${available.join(', ')}`;
  return new ApiStatus('NotAcceptable', message, {});
}

/** The media type of a body, without parameters; JSON where the client names none. */
export function contentType(header: string | undefined): string {
  const type = (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return type === '' ? 'application/json' : type;
}

export function unsupportedMediaType(accepted: readonly string[]): ApiStatus {
  const list = accepted.join(', ');
  return new ApiStatus(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${list}`,
  );
}
