import { cleanup } from '@testing-library/react'
import { afterEach, vi } from 'vitest'

// Pieces of a browser that jsdom leaves out.
vi.stubGlobal(
  'ResizeObserver',
  class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
)
if (typeof window !== 'undefined')
  window.matchMedia ??= (query: string) =>
    ({
      matches: false,
      media: query,
      addEventListener() {},
      removeEventListener() {},
      addListener() {},
      removeListener() {},
      dispatchEvent: () => false,
      onchange: null,
    }) as MediaQueryList

afterEach(() => {
  if (typeof document !== 'undefined') cleanup()
})
