import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../packages', import.meta.url));

/** The declaration file of each entry point, by the module name. */
function entryPoints(): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of readdirSync(packages)) {
    const { name, exports } = JSON.parse(
      readFileSync(join(packages, folder, 'package.json'), 'utf8'),
    ) as { name: string; exports: Record<string, { types: string }> };
    for (const [subpath, { types }] of Object.entries(exports ?? {})) {
      found.set(name + subpath.slice(1), join(packages, folder, types));
    }
  }
  return found;
}

it('does not change public names unnoticed', () => {
  const files = entryPoints();
  const program = ts.createProgram([...files.values()], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
  });
  const checker = program.getTypeChecker();
  const names = [...files].map(([entryPoint, file]) => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`"${file}" is not a module. Run "npm run build".`);
    const exported = checker.getExportsOfModule(module).map((symbol) => {
      const { flags } =
        symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      return flags & ts.SymbolFlags.Value ? symbol.name : `type ${symbol.name}`;
    });
    return [entryPoint, exported.toSorted()];
  });
  expect(Object.fromEntries(names)).toMatchSnapshot();
});
