/** Milliseconds since the epoch at which everything here happens, so that a run does not depend on its day: 2026-11-21. */
export const MOMENT = 1_795_219_200_000

export const ISSUER = 'https://login.example.com'
