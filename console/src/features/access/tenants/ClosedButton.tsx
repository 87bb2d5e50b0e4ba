// A button for a change of configuration: cannot be pressed while that is closed, and says why.

import { Button, type ButtonProps } from '../../../ui/Button'
import { useClosed } from './queries'

/** `tenant`: where the change would be; anywhere at all without. */
export function ConfigureButton({ tenant, ...rest }: ButtonProps & { tenant?: string | undefined }) {
  const closed = useClosed(tenant)
  if (closed === undefined) return <Button {...rest} />
  return <Button {...rest} disabled title={closed} />
}
