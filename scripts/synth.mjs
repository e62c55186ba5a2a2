// `npm run synth`: installs, builds, and writes the chat's stack to examples/chat/infra/cdk.out.
import { build, installDependencies, run } from './run.mjs';

installDependencies();
build();
run('npm', ['run', '--silent', 'synth', '--workspace', '@gatecast/example-chat-infra']);
