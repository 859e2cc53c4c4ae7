/** Makes a bundle for an auditor and hands it over. */
import { useState } from 'react';
import { ApiError, post } from '../api.ts';
import { PageFrame, type PageProps } from './page.tsx';

type Making =
  | { readonly step: 'idle' }
  | { readonly step: 'making' }
  | {
      readonly step: 'made';
      readonly name: string;
      readonly url: string;
      readonly verdict: string;
      readonly files: string;
      readonly bytes: number;
    }
  | { readonly step: 'failed'; readonly message: string };

export function EvidencePage({ state }: PageProps) {
  const [making, setMaking] = useState<Making>({ step: 'idle' });
  const make = async (): Promise<void> => {
    setMaking({ step: 'making' });
    try {
      setMaking(await bundle());
    } catch (error) {
      const hint = error instanceof ApiError && error.hint !== undefined ? `: ${error.hint}` : '';
      setMaking({
        step: 'failed',
        message: `${error instanceof Error ? error.message : String(error)}${hint}`,
      });
    }
  };
  return (
    <PageFrame
      title="Evidence"
      lead="A dated bundle for an auditor: the verdicts and the probes behind them, certificates, policies, and a manifest of checksums."
    >
      <p>
        Padlock reads each proxy and opens connections to every port of{' '}
        <strong>{state.namespaces?.join(', ') ?? 'every namespace'}</strong>, in plaintext and by mutual TLS,
        from containers that have curl and through the API server. It creates and changes nothing.
      </p>
      <button
        type="button"
        className="primary"
        disabled={!state.live || making.step === 'making'}
        onClick={() => void make()}
      >
        {making.step === 'making' ? 'Probing' : 'Make a bundle'}
      </button>
      {state.live ? null : <p className="hint">A snapshot is looked at: there is no cluster to probe.</p>}
      <div aria-live="polite">
        {making.step === 'failed' ? <p className="caution">{making.message}</p> : null}
        {making.step === 'made' ? (
          <div className={`made verdict-${making.verdict}`}>
            <p className="headline">{making.verdict}</p>
            <p>
              {making.files} files, {Math.ceil(making.bytes / 1024)} kB. The same verdict as{' '}
              <code>padlock verify</code> gives; report.html inside tells it for people.
            </p>
            <a className="button primary" href={making.url} download={making.name}>
              Download {making.name}
            </a>
            <p className="hint">
              Check it later: <code>padlock evidence verify {making.name}</code>. To sign it, make it with{' '}
              <code>padlock evidence --sign-with</code>.
            </p>
          </div>
        ) : null}
      </div>
    </PageFrame>
  );
}

async function bundle(): Promise<Making> {
  const response = await post('/api/evidence');
  const blob = await response.blob();
  const disposition = response.headers.get('content-disposition') ?? '';
  return {
    step: 'made',
    name: /filename="([^"]+)"/.exec(disposition)?.[1] ?? 'padlock-evidence.tar.gz',
    url: URL.createObjectURL(blob),
    verdict: response.headers.get('x-verdict') ?? '',
    files: response.headers.get('x-files') ?? '',
    bytes: blob.size,
  };
}
