import {
  iamActions,
  logActions,
  publisherActions,
  tableDefinition,
} from '@gatecast/adapters/dynamodb';
import { expect, it } from 'vitest';
import {
  LOG_ACTIONS,
  PUBLISHER_ACTIONS,
  TABLE_ACTIONS,
  TABLE_DEFINITION,
} from '../lib/table-definition.js';

// If this fails: npm run table-definition --workspace packages/cdk-construct
it('the table and its actions are those of dynamoDbStore', () => {
  expect(TABLE_DEFINITION).toEqual(tableDefinition);
  expect(TABLE_ACTIONS).toEqual(iamActions);
  expect(PUBLISHER_ACTIONS).toEqual(publisherActions);
  expect(LOG_ACTIONS).toEqual(logActions);
});
