import fc from 'fast-check'

/** Property tests run on a fixed seed, so that a failure is the same for everybody; POSTERN_SEED explores others. */
const seed = Number(process.env['POSTERN_SEED'] ?? 20261121)
fc.configureGlobal({ seed })
