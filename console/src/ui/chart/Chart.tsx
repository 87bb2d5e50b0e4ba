// One graph. Loaded on demand: uPlot is not part of the first load.

import { lazy, Suspense } from 'react'
import styles from './Chart.module.css'
import type { ChartProps } from './ChartCanvas'

const Canvas = lazy(() => import('./ChartCanvas'))

export function Chart(props: ChartProps) {
  return (
    <Suspense
      fallback={<div className={styles.placeholder} style={{ height: (props.height ?? 160) + 60 }} />}
    >
      <Canvas {...props} />
    </Suspense>
  )
}
