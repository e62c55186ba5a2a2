import {
  setStage,
  testKeptPage,
  testKeptPageWithHistory,
  testQueryHandshake,
  testReconnection,
  testTwoTabs,
} from './browser-tests.js';
import { describeInWebKit, openTestWebKit } from './webkit-browser.js';

describeInWebKit('the client in WebKit', () => {
  const stage = setStage(openTestWebKit);
  testReconnection(stage);
  testQueryHandshake(stage);
  testKeptPage(stage);
  testKeptPageWithHistory(stage);
  testTwoTabs(stage);
});
