/** Where the programs of the mesh are kept once they are built or fetched. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `PADLOCK_MESH_BIN` names another folder. */
export function meshFolder(): string {
  return (
    process.env.PADLOCK_MESH_BIN ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'padlock', 'mesh')
  );
}

export function meshBinary(name: string): string {
  return join(meshFolder(), name);
}

export function hasMeshBinary(name: string): boolean {
  return existsSync(meshBinary(name));
}
