// A modal surface with a name. Composed from Mantine's parts, since its ready-made header is a second banner on the page.

import { Modal } from '@mantine/core'
import type { ReactNode } from 'react'
import { t } from '../strings'
import styles from './Dialog.module.css'

export function Sheet({
  title,
  onClose,
  width,
  bare = false,
  children,
}: {
  title: string
  onClose: () => void
  width: number
  /** Without a visible title or close button, near the top: the command palette. */
  bare?: boolean
  children: ReactNode
}) {
  return (
    <Modal.Root
      opened
      onClose={onClose}
      size={width}
      centered={!bare}
      {...(bare ? { yOffset: '12vh' } : {})}
      transitionProps={{ duration: 100, transition: 'fade' }}
    >
      <Modal.Overlay backgroundOpacity={1} color="var(--scrim)" />
      <Modal.Content>
        <div className={bare ? 'sr-only' : styles.head}>
          <Modal.Title>{title}</Modal.Title>
          {!bare && <Modal.CloseButton aria-label={t.common.close} />}
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}
