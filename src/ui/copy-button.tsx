/** Copies a text and says that it did. */
import { useState } from 'react';

export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [said, setSaid] = useState<'copied' | 'failed'>();
  return (
    <button
      type="button"
      className="copy"
      onClick={() => {
        navigator.clipboard.writeText(text).then(
          () => setSaid('copied'),
          () => setSaid('failed'),
        );
      }}
      aria-label={`Copy ${what}`}
    >
      <span aria-live="polite">
        {said === 'copied' ? 'Copied' : said === 'failed' ? 'Select and copy it by hand' : 'Copy'}
      </span>
    </button>
  );
}
