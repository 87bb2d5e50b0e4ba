import type { ButtonHTMLAttributes, ReactNode } from 'react'
import styles from './Button.module.css'

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: 'primary' | 'plain' | 'soft' | 'quiet' | 'danger'
  size?: 'small' | 'medium' | 'large'
  icon?: ReactNode
  busy?: boolean
  wide?: boolean
}

export function Button({
  look = 'plain',
  size = 'medium',
  icon,
  busy = false,
  wide = false,
  children,
  disabled,
  type = 'button',
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      className={styles.button}
      data-look={look}
      data-size={size}
      data-wide={wide}
      aria-busy={busy || undefined}
      disabled={disabled || busy}
    >
      {icon}
      {children}
    </button>
  )
}

/** A square button that shows an icon alone; `label` is its name and its tooltip. */
export function IconButton({
  label,
  children,
  ...rest
}: Omit<ButtonProps, 'icon' | 'look'> & { label: string }) {
  return (
    <button {...rest} type="button" className={styles.icon} aria-label={label} title={label}>
      {children}
    </button>
  )
}
