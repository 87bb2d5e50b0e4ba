// In, with a passkey alone: no name, no password.

import { useMutation } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { body, client } from '../../api/client'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { IconKey } from '../../ui/icons'
import { Notice } from '../../ui/Layout'
import { givePasskey, hasPasskeys } from './passkey'
import { safeTarget } from './safeTarget'
import { words } from './words'

export function PasskeyButton() {
  const search = useSearch({ strict: false }) as { to?: string }
  const enter = useMutation({
    mutationFn: async () => {
      const asked = await body(client.POST('/api/v1/session/passkey/begin'))
      const passkey = await givePasskey(asked)
      return body(client.POST('/api/v1/session/passkey', { body: { passkey } }))
    },
    onSuccess: () => window.location.assign(safeTarget(search.to)),
    gcTime: 0,
  })
  if (!hasPasskeys()) return null
  return (
    <>
      <Button
        size="large"
        wide
        icon={<IconKey size={17} stroke={1.6} aria-hidden />}
        busy={enter.isPending}
        onClick={() => enter.mutate()}
      >
        {words.passkey.signIn}
      </Button>
      {enter.isError && (
        <Notice tone="danger" title={t.signIn.cannot}>
          {enter.error.message}
        </Notice>
      )}
    </>
  )
}
