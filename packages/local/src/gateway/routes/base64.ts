/** @throws Error if the text is not base64. */
export function decodeBase64(text: string): string {
  const bytes = Buffer.from(text, 'base64');
  const unpadded = text.trim().replace(/=+$/, '');
  if (bytes.toString('base64').replace(/=+$/, '') !== unpadded) {
    throw new Error('CONVERT_TO_BINARY was applied to a text that is not base64.');
  }
  return bytes.toString();
}
