import type { ManifestRoute } from '@gatecast/framework';
import { readManifest } from '../../lambda/read-manifest.js';
import { parseCommandLine } from './command-line.js';

export const routesUsage = `gatecast routes <entry>
  Lists the routes of an app: key, whether it answers, integration, and handler method.

Example:
  gatecast routes app.ts`;

/** `gatecast routes` */
export async function routes(args: readonly string[]): Promise<void> {
  const { entry } = parseCommandLine(args, []);
  const { manifest } = await readManifest(entry);
  process.stdout.write(
    table([['ROUTE', 'KIND', 'GOES TO', 'SOURCE'], ...manifest.routes.map(row)]),
  );
}

function row({ routeKey, twoWay, integration, response, source }: ManifestRoute): string[] {
  const target = integration === 'mock' ? `API Gateway, answers ${response ?? ''}` : 'Lambda';
  return [routeKey, twoWay ? 'two-way' : 'one-way', target, source ?? ''];
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  return rows
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
