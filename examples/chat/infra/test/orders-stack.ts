import { GatecastApi, type GatecastApiProps, Store } from '@gatecast/cdk-construct';
import { Stack } from 'aws-cdk-lib';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { chatFunction } from './chat-function.js';

/** A stack that has a table, a function and a VPC of its own, and gets the chat. */
export class OrdersStack extends Stack {
  constructor(scope: Construct, id: string, chat?: GatecastApiProps) {
    super(scope, id);
    const vpc = new Vpc(this, 'Vpc', { maxAzs: 2 });
    const table = new Table(this, 'Orders', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      timeToLiveAttribute: 'ttl',
    });
    const shipOrder = chatFunction(this, 'ShipOrder', { file: 'test/fixtures/publisher.ts' });
    table.grantReadWriteData(shipOrder);
    if (chat === undefined) return;
    const store = Store.dynamoDb({ table, keyPrefix: 'chat#' });
    const api = new GatecastApi(this, 'Chat', { ...chat, store, vpc });
    api.connectPublisher(shipOrder);
  }
}
