/** What the operator should hear of, as one line of JSON each, beside the records of decisions. */
export const report = (event: string, details: Readonly<Record<string, unknown>>): void =>
  console.warn(JSON.stringify({ event, time: new Date().toISOString(), ...details }))
