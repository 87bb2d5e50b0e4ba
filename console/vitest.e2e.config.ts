import { defineConfig } from 'vitest/config'

// One browser, one server, one story told in order: claim first, then everything a signed-in person does.
export default defineConfig({
  test: {
    environment: 'node',
    include: ['e2e/**/*.spec.ts'],
    fileParallelism: false,
    sequence: { concurrent: false },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    bail: 0,
  },
})
