import { Authorizer, GatecastApi, RouteManifest } from '@gatecast/cdk-construct';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';

const entry = '../server/app.ts';
const app = new App();
const stack = new Stack(app, 'ChatStack', { description: 'The chat of Gatecast' });
const chat = new GatecastApi(stack, 'Chat', {
  entry,
  routes: RouteManifest.fromEntry(entry),
  authorizer: Authorizer.none(),
  // Once in an account and Region: npm run deploy -- -c cloudWatchRole=true
  cloudWatchRole: app.node.tryGetContext('cloudWatchRole') === 'true',
});
new CfnOutput(stack, 'Url', { value: chat.url });
