/** Cuts a byte stream into the JSON values of its lines, as a watch sends them. A line may be any length. */
export async function* jsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  let rest: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      rest.push(chunk.subarray(start, end));
      const line = Buffer.concat(rest).toString('utf8').trim();
      rest = [];
      start = end + 1;
      if (line !== '') yield JSON.parse(line);
    }
    rest.push(chunk.subarray(start));
  }
  const last = Buffer.concat(rest).toString('utf8').trim();
  if (last !== '') yield JSON.parse(last);
}
