import { BanDesk } from './bans.ts'
import { KeyImport } from './key-import.ts'
import { Keys } from './keys.ts'
import type { Desk } from './ledger.ts'
import { PepperDesk } from './peppers.ts'
import { RevocationDesk } from './revocations.ts'

/** What the operations are done with. */
export class Services {
  readonly desk: Desk
  readonly keys: Keys
  readonly keyImport: KeyImport
  readonly revocations: RevocationDesk
  readonly bans: BanDesk
  readonly peppers: PepperDesk

  constructor(desk: Desk) {
    this.desk = desk
    this.keys = new Keys(desk)
    this.keyImport = new KeyImport(desk)
    this.revocations = new RevocationDesk(desk)
    this.bans = new BanDesk(desk)
    this.peppers = new PepperDesk(desk)
  }
}
