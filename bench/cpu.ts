/** Preloaded into every subject: tells the bench how much processor time the process has used. */
process.on('message', (message) => {
  if (message === 'cpu') process.send?.({ cpu: process.cpuUsage() })
})
// The channel must not keep a subject alive on its own.
process.channel?.unref()
// Nor may a subject outlive the bench, however that ends.
process.on('disconnect', () => process.exit())
