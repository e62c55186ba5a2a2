export * from './gatecast-api';
