import {
  setStage,
  testOffline,
  testQueryHandshake,
  testReconnection,
  testReloadedPage,
  testTwoTabs,
} from './browser-tests.js';
import { describeInFirefox, openTestFirefox } from './firefox-browser.js';

describeInFirefox('the client in Firefox', () => {
  const stage = setStage(openTestFirefox);
  testReconnection(stage);
  testQueryHandshake(stage);
  testOffline(stage);
  testReloadedPage(stage);
  testTwoTabs(stage);
});
