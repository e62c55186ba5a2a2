export interface CodeBlock {
  /** The name in the block's first line (`// app.ts`), or one made from its position in the page. */
  readonly file: string;
  readonly text: string;
}

/** The TypeScript blocks of a Markdown page, without the indentation of list items. */
export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^( *)```ts\n(.*?)^\1```$/gms)].map(
    ([, indentation = '', code = ''], index) => {
      const text = code.replaceAll(new RegExp(`^${indentation}`, 'gm'), '');
      const [, name] = /^\/\/ (\S+\.ts)\n/.exec(text) ?? [];
      return { file: name ?? `block-${index + 1}.ts`, text };
    },
  );
}
