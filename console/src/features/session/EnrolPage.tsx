// An account without a second factor gets one before anything else opens.

import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { sessionRenewed } from '../../api/client'
import { Button } from '../../ui/Button'
import { IconKey } from '../../ui/icons'
import { Entrance } from './Entrance'
import styles from './Entrance.module.css'
import { AuthenticatorDialog } from './MeDialogs'
import { AddPasskey } from './Passkeys'
import { hasPasskeys } from './passkey'
import { words } from './words'

export function EnrolPage() {
  const queries = useQueryClient()
  const [open, setOpen] = useState<'passkey' | 'totp' | undefined>(undefined)
  const close = () => setOpen(undefined)
  const done = () => {
    sessionRenewed()
    void queries.invalidateQueries()
  }
  return (
    <Entrance title={words.enrol.title} lead={words.enrol.lead}>
      <div className={styles.form}>
        {hasPasskeys() && (
          <Button
            look="primary"
            size="large"
            wide
            icon={<IconKey size={17} stroke={1.6} aria-hidden />}
            onClick={() => setOpen('passkey')}
          >
            {words.passkey.make}
          </Button>
        )}
        <Button size="large" wide onClick={() => setOpen('totp')}>
          {words.enrol.totp}
        </Button>
      </div>
      {open === 'passkey' && <AddPasskey onClose={close} onDone={done} />}
      {open === 'totp' && (
        <AuthenticatorDialog
          onClose={() => {
            close()
            done()
          }}
        />
      )}
    </Entrance>
  )
}
