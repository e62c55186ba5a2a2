/** @throws Error when the text is no base64. */
export function decodeBase64(text: string): string {
  const bytes = Buffer.from(text, 'base64');
  const unpadded = text.trim().replace(/=+$/, '');
  if (bytes.toString('base64').replace(/=+$/, '') !== unpadded) {
    throw new Error('CONVERT_TO_BINARY met a text that is no base64.');
  }
  return bytes.toString();
}
