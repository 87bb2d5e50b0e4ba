import { useSyncExternalStore } from 'react'

const query = '(max-width: 767px)'

/** True on a phone, where lists show two lines per row and the rail is a bar. */
export const useNarrow = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(query)
      media.addEventListener('change', listener)
      return () => media.removeEventListener('change', listener)
    },
    () => window.matchMedia(query).matches,
  )
