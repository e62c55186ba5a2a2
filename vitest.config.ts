import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest. Begun last, one of them would run alone in the end. */
const LONGEST =
  /\/(?:infra\/test\/mutation|chaos|dynamodb-log|soak|simulation|log-hours|faults|packed|log-minutes|dynamodb|cli|commands|dynamodb-time)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'examples/*/test/**/*.test.ts',
      'examples/*/infra/test/**/*.test.ts',
      'simulation/test/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    environment: 'node',
    // The CDK uses its own deprecated properties, and warns of them; the AWS SDK warns of Node 20.
    env: { JSII_DEPRECATED: 'quiet', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // Vitest would reserve one core, but most tests only wait for their child processes.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Long enough for a busy machine: only a test that hangs should fail.
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});
