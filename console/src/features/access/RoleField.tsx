import { useId } from 'react'
import { t } from '../../strings'
import styles from './Access.module.css'
import { type Role, roles } from './person'

/** What each role may, said where it is chosen. */
export function RoleField({
  label,
  value,
  now,
  onChange,
}: {
  label: string
  value: Role | undefined
  /** The role there is: not to be chosen again. */
  now?: string
  onChange: (role: Role) => void
}) {
  const id = useId()
  return (
    <fieldset className={styles.roles}>
      <legend>{label}</legend>
      {roles.map((role) => (
        <label key={role} className={styles.role}>
          <input
            type="radio"
            name={id}
            value={role}
            checked={value === role}
            disabled={now === role}
            onChange={() => onChange(role)}
            aria-describedby={`${id}-${role}`}
          />
          <strong>{t.access.roleOf(role)}</strong>
          <span id={`${id}-${role}`}>{t.access.roleDetail(role)}</span>
        </label>
      ))}
    </fieldset>
  )
}
