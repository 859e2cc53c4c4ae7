/** The mesh for hands: started, kept until SIGINT or SIGTERM. Run by `main.ts up`. */
import { startMesh } from './mesh.ts';

const mesh = await startMesh({ log: (line) => process.stderr.write(`mesh: ${line}\n`) });
process.stdout.write(`KUBECONFIG=${mesh.kubeconfig}\n`);
await new Promise<void>((resolve) => {
  process.once('SIGINT', resolve);
  process.once('SIGTERM', resolve);
});
await mesh.stop();
