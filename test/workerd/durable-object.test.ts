import { storeConformance } from '../stores/conformance.ts'
import { make } from './rig.ts'

storeConformance('durable object', make, {
  clock: { charges: true, entries: true },
  shared: true,
  refunds: true,
  countsOn: false,
  life: false,
  empty: true,
  stall: false,
  patience: 0,
})
