import { type RefObject, useEffect, useRef, useState } from 'react'

/** A popup that closes on Escape and on a press elsewhere. */
export function usePopup<T extends HTMLElement>(): {
  open: boolean
  setOpen: (open: boolean) => void
  box: RefObject<T | null>
} {
  const [open, setOpen] = useState(false)
  const box = useRef<T>(null)
  useEffect(() => {
    if (!open) return
    const close = (event: Event) => {
      if (
        event instanceof KeyboardEvent ? event.key === 'Escape' : !box.current?.contains(event.target as Node)
      ) {
        setOpen(false)
      }
    }
    document.addEventListener('pointerdown', close)
    document.addEventListener('keydown', close)
    return () => {
      document.removeEventListener('pointerdown', close)
      document.removeEventListener('keydown', close)
    }
  }, [open])
  return { open, setOpen, box }
}
