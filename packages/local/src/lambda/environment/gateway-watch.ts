// Runs in a thread of an environment's process. When the gateway ends, even if it was killed, it ends that
// process and those that the function has started.
import { Socket } from 'node:net';
import { GATEWAY_FD } from './ipc.js';

new Socket({ fd: GATEWAY_FD })
  .on('error', () => {})
  .once('close', () => {
    try {
      process.kill(-process.pid, 'SIGKILL');
    } catch {
      process.kill(process.pid, 'SIGKILL');
    }
  })
  .resume();
