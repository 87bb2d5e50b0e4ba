// Wires the parts together: theme, cache, router. No domain word beyond that.

import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError } from './api/client'
import { styleNonce } from './nonce'
import { makeRouter } from './router'
import './theme/mantine.css'
import './theme/variables.css'
import './theme/tokens.css'
import './theme/base.css'
import './theme/overrides.css'
import { colorScheme, theme } from './theme/theme'

const makeQueries = () =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        refetchOnWindowFocus: true,
        // Asking again mends a lost connection, not a refusal.
        retry: (failures, error) => !(error instanceof ApiError && error.status < 500) && failures < 2,
      },
    },
  })

export function App() {
  const [queries] = useState(makeQueries)
  const [router] = useState(() => makeRouter(queries))
  return (
    <MantineProvider
      theme={theme}
      // Both would be style elements written by script: variables.css has the one, the other is not used.
      withCssVariables={false}
      withGlobalClasses={false}
      colorSchemeManager={colorScheme}
      defaultColorScheme="auto"
      getStyleNonce={() => styleNonce}
      deduplicateInlineStyles
    >
      <Notifications position="bottom-right" limit={4} />
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  )
}
