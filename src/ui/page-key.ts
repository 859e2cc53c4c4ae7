/**
 * The key that every question to the server carries. The server hands it over in the fragment of the address that it signs a
 * browser in with; the page keeps it in its origin's storage, which no program on another port can read. Cookies it could.
 */
export const keyHeader = 'x-padlock';

const stored = 'padlock-key';
const inFragment = /^#key=([\w-]+)$/;

/** Takes the key out of the address, so that no bookmark and no shared address has it. */
export function takeKeyFromAddress(): void {
  const key = inFragment.exec(location.hash)?.[1];
  if (key === undefined) return;
  localStorage.setItem(stored, key);
  history.replaceState(null, '', location.pathname);
}

/** Empty where nobody has signed in here: the server refuses it. */
export function pageKey(): string {
  return localStorage.getItem(stored) ?? '';
}
