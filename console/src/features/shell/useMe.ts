import { useSuspenseQuery } from '@tanstack/react-query'
import { meQuery } from '../../api/queries'
import type { Me, Permission } from '../../api/types'

/** Who is signed in. The frame has loaded it before any page shows. */
export const useMe = (): Me => useSuspenseQuery(meQuery).data

/** Whether to offer an act. The server decides in any case. */
export function useMay(): (permission: Permission) => boolean {
  const me = useMe()
  return (permission) => me.permissions.includes(permission)
}
