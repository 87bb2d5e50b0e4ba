import { defineConfig } from 'vitest/config'

// Figures, not tests: `cargo xtask bench screen` starts what they need and reads what they print.
export default defineConfig({
  test: {
    environment: 'node',
    include: ['bench/**/*.spec.ts'],
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
})
