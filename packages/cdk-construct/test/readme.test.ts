import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

it('the README has every property of the construct', () => {
  const { types } = JSON.parse(read('.jsii')) as {
    readonly types: Readonly<Record<string, { readonly properties: { readonly name: string }[] }>>;
  };
  const names = types['@gatecast/cdk-construct.GatecastApiProps']?.properties.map(
    ({ name }) => name,
  );
  const [, table = ''] = read('README.md').split('## Properties');
  expect(names?.length).toBeGreaterThan(20);
  expect(names?.filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
});
