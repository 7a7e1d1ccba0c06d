import { anonymous } from './anonymous.ts'
import { apiKey } from './api-key.ts'
import type { CredentialType } from './contract.ts'
import { jwt } from './jwt.ts'

/** Every credential type. A new one is a file beside these and a line here. */
export const CREDENTIALS: readonly CredentialType[] = [jwt, apiKey, anonymous]
