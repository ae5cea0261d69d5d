// The two commands of a fresh clone, `npm start` and `npm test`. This file only refuses a Node that is too old, in
// words that such a Node can still run; the work is in setup.mjs.
const [major, minor] = process.versions.node.split('.').map(Number)
const command = process.argv[2]
// Tests need a little more than the library: vite asks for 20.19.
const old = major < 20 || (command === 'test' && major === 20 && minor < 19)
if (old) {
  const wanted = command === 'test' ? '20.19' : '20'
  console.error(
    `flambeau: this is Node ${process.versions.node}; npm ${command} needs Node ${wanted} or newer (https://nodejs.org)`,
  )
  process.exit(1)
}
const { main } = await import('./setup.mjs')
process.exitCode = await main(command, process.argv.slice(3))
