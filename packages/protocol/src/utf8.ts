/** Begins a character of two, three or four bytes. */
const LEADS = [0xc0, 0xe0, 0xf0] as const;

/**
 * The bytes of a text in UTF-8. Half of a surrogate pair becomes U+FFFD, as `TextEncoder` has it, which
 * React Native lacks before 0.74.
 */
export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const point = codePoint(character);
    if (point < 0x80) {
      bytes.push(point);
      continue;
    }
    const followers = point < 0x800 ? 1 : point < 0x1_0000 ? 2 : 3;
    bytes.push((LEADS[followers - 1] as number) | (point >> (followers * 6)));
    for (let shift = (followers - 1) * 6; shift >= 0; shift -= 6) {
      bytes.push(0x80 | ((point >> shift) & 0x3f));
    }
  }
  return Uint8Array.from(bytes);
}

function codePoint(character: string): number {
  const point = character.codePointAt(0) as number;
  const isHalfOfPair = point >= 0xd800 && point <= 0xdfff;
  return isHalfOfPair ? 0xfffd : point;
}
