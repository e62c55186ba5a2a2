import {
  setStage,
  testOffline,
  testReconnection,
  testReloadedPage,
  testTwoTabs,
} from './browser-tests.js';
import { describeInFirefox, openTestFirefox } from './firefox-browser.js';

describeInFirefox('the client in Firefox', () => {
  const stage = setStage(openTestFirefox);
  testReconnection(stage);
  testOffline(stage);
  testReloadedPage(stage);
  testTwoTabs(stage);
});
