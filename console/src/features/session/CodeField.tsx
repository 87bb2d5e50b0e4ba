import { TextInput } from '@mantine/core'
import { t } from '../../strings'
import styles from './Entrance.module.css'

/** Six digits, or a recovery code. */
export function CodeField({
  value,
  onChange,
  recovery = false,
  error,
  label,
  onEscape,
}: {
  value: string
  onChange: (value: string) => void
  recovery?: boolean
  error?: string | undefined
  label?: string
  /** Where another dialog lies below: Escape closes this one alone. */
  onEscape?: () => void
}) {
  const alone =
    onEscape === undefined
      ? {}
      : {
          'data-mantine-stop-propagation': 'true',
          onKeyDown: (event: React.KeyboardEvent) => {
            if (event.key === 'Escape') onEscape()
          },
        }
  return recovery ? (
    <TextInput
      key="recovery"
      label={t.signIn.recoveryCode}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete="off"
      autoCapitalize="off"
      spellCheck={false}
      error={error}
      required
      data-autofocus
      {...alone}
    />
  ) : (
    <TextInput
      key="totp"
      className={styles.code ?? ''}
      label={label ?? t.signIn.code}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value.replace(/\D/g, '').slice(0, 6))}
      inputMode="numeric"
      autoComplete="one-time-code"
      error={error}
      required
      data-autofocus
      {...alone}
    />
  )
}
