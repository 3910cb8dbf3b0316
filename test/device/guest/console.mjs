// In the device: the command `watchpost console` alone, so that it needs no other command.
import { registerConsole } from '/opt/app/dist/commands/console.js'
import { Command } from '/opt/app/node_modules/commander/esm.mjs'

const program = new Command('watchpost').version('0.0.0-device')
registerConsole(program)
await program.parseAsync()
