import type { SimulatedTable } from './simulated-table.js';

/**
 * Makes a call to the table at once.
 *
 * @param isUnprocessed - Whether to leave the next item of a batch out.
 */
export function callTable(
  table: SimulatedTable,
  { operation, input }: { readonly operation: string; readonly input: object },
  isUnprocessed: () => boolean = () => false,
): object {
  switch (operation) {
    case 'GetItem':
      return table.getItem(input as never);
    case 'PutItem':
      return table.putItem(input as never);
    case 'UpdateItem':
      return table.updateItem(input as never);
    case 'DeleteItem':
      return table.deleteItem(input as never);
    case 'Query':
      return table.query(input as never);
    case 'BatchGetItem':
      return table.batchGetItem(input as never, isUnprocessed);
    case 'BatchWriteItem':
      return table.batchWriteItem(input as never, isUnprocessed);
    default:
      throw new Error(`${operation} is not simulated.`);
  }
}
