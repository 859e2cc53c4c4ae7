/** One mesh for the whole run: its kubeconfig goes to the tests by the environment. */
import { startMesh } from './mesh.ts';

export default async function setUp(): Promise<() => Promise<void>> {
  const mesh = await startMesh({ log: (line) => process.stderr.write(`test:mesh: ${line}\n`) });
  process.env.PADLOCK_MESH_KUBECONFIG = mesh.kubeconfig;
  return async () => {
    await mesh.stop();
    if (mesh.problems.length > 0) throw new Error('the mesh had problems', { cause: mesh.problems[0] });
  };
}
