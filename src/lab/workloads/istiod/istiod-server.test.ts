import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startLab } from '../../lab.ts';

test('istiod answers what istioctl asks it: its version, and who has what', async () => {
  const lab = await startLab();
  try {
    await lab.whenReady();
    const [pod] = lab.api.list('pods', { namespace: 'istio-system', labels: { app: 'istiod' } });
    const { name = '' } = pod?.metadata ?? {};
    const ask = async (...command: string[]): Promise<string> => {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      const running = lab.kubelet.running({ namespace: 'istio-system', name }, 'discovery');
      const code = await running.exec(command, { stdout, stderr }, new AbortController().signal);
      stdout.end();
      stderr.end();
      return `${code} ${await text(stdout)}${await text(stderr)}`;
    };
    expect(await ask('pilot-discovery', 'request', 'GET', '//version')).toMatch(
      /^0 1\.\d+\.\d+-lab-padlock-Clean/,
    );
    expect(await ask('pilot-discovery', 'request', 'GET', '/debug/syncz')).toMatch(/^0 \[/);
    expect(await ask('pilot-discovery', 'version')).toMatch(
      /^1 Error: the lab's pilot-discovery knows "request" only/,
    );
  } finally {
    await lab.close();
  }
});
