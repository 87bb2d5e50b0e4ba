import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// Every asset is a hashed file: the content policy allows no inline script, no inline style and no data: script.
export default defineConfig({
  plugins: [react()],
  // Development only: the pages come from Vite, the API from a running server.
  server: {
    proxy: { '/api': { target: process.env.WATCHKEEP_URL ?? 'https://127.0.0.1:8443', secure: false } },
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    chunkSizeWarningLimit: 700,
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test-setup.ts'],
    restoreMocks: true,
  },
})
