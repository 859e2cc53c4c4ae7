/** Which secrets a dump's listeners draw on. */
import { asObjects } from '../../sources/json-value.ts';
import type { EnvoyDump } from './config-dump.ts';
import { field } from './proto-json.ts';
import { secretNames } from './tls-context.ts';
import { serverContext } from './transport-socket.ts';

/** @returns the names of the secrets that connections to the dump's active listeners need, each once */
export function serverSecrets(dump: EnvoyDump): readonly string[] {
  const names = dump.listeners.flatMap(({ active }) => {
    const chains = [...asObjects(field(active, 'filter_chains')), field(active, 'default_filter_chain')];
    return chains.flatMap((chain) => secretNames(field(serverContext(chain), 'common_tls_context')));
  });
  return [...new Set(names)];
}
