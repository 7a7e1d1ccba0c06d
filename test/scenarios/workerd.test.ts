import { conforms } from './suite.ts'
import { traefikWorkerd } from './targets/traefik-workerd.ts'
import { workerdCheck } from './targets/workerd-check.ts'

for (const target of [workerdCheck, traefikWorkerd]) await conforms(target)
