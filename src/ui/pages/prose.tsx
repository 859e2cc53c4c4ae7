/** A sentence in which `commands` and names stand between backticks, as the command line prints them. */
export function Prose({ text }: { readonly text: string }) {
  // Every second part stood between two backticks.
  return text.split('`').map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence never change their order
    index % 2 === 1 ? <code key={index}>{part}</code> : part,
  );
}
