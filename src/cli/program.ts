import { Command, CommanderError } from 'commander'
import { version } from '../node/version.ts'
import type { CheckOptions } from './check.ts'
import { CommandFailure } from './failure.ts'
import type { Io } from './io.ts'
import type { ServeOptions } from './serve.ts'

const DEFAULT_POLICY = './postern.yaml'

/**
 * The `postern` command. Each subcommand is loaded only when it is called, so that `check` does not wait for a server
 * and `serve` not for an editor.
 * @param args without the interpreter and the script
 * @returns the exit code: 0, 1 for problems, 2 for wrong usage
 */
export async function run(args: readonly string[], io: Io): Promise<number> {
  let exitCode = 0
  const program = new Command('postern')
    .description('Edge ForwardAuth: may this request pass, and as whom?')
    .version(version, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput(outputOf(io))
    .showHelpAfterError('(postern --help tells the commands, postern COMMAND --help their options)')
  program
    .command('serve')
    .description('serve a policy until the process is told to stop (SIGTERM); SIGHUP reads it again')
    .argument('[policy]', 'policy file', DEFAULT_POLICY)
    .option(
      '--listen <host:port>',
      'where checks are taken, instead of listen.check; port 0 picks a free one',
    )
    .option(
      '--workers <n>',
      'processes that share the work and the store: 1 to 64, or auto for one on each processor',
      '1',
    )
    .action(async (policy: string, options: ServeOptions) => {
      exitCode = await (await import('./serve.ts')).serveCommand(policy, options, io)
    })
  program
    .command('check')
    .description('say that a policy is sound, or everything that is wrong with it')
    .argument('[policy]', 'policy file', DEFAULT_POLICY)
    .option('--strict', 'and everything that makes it weak (docs/security/hardening.md)')
    .option(
      '--accept <id>',
      'with --strict: findings that are known, by the id of their item, or ID=PATH for one place; may be repeated',
      (id: string, earlier: readonly string[] = []) => [...earlier, id],
    )
    .action(async (policy: string, options: CheckOptions) => {
      exitCode = await (await import('./check.ts')).checkCommand(policy, io, options)
    })
  program
    .command('init')
    .description('write a commented starter policy')
    .argument('[policy]', 'policy file, which must not exist', DEFAULT_POLICY)
    .action(async (policy: string) => {
      exitCode = await (await import('./init.ts')).initCommand(policy, io)
    })
  await registerNamed(program, args, io)
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    return exitCodeOf(error, io)
  }
}

/** Commands that describe themselves, by name. */
const NAMED: Readonly<Record<string, () => Promise<{ register(program: Command, io: Io): void }>>> = {
  compile: () => import('./compile.ts'),
  explain: () => import('./explain.ts'),
  keys: () => import('./keys.ts'),
  revoke: () => import('./revocations.ts'),
  revocations: () => import('./revocations.ts'),
  bans: () => import('./bans.ts'),
  token: () => import('./token.ts'),
}

/** Registers the command that is called; all of them when none is, because then help is wanted. */
async function registerNamed(program: Command, args: readonly string[], io: Io): Promise<void> {
  const [name = ''] = args
  if (['serve', 'check', 'init'].includes(name)) return
  const called = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined
  const modules = await Promise.all(
    (called === undefined ? Object.values(NAMED) : [called]).map((load) => load()),
  )
  for (const { register } of new Set(modules)) register(program, io)
  for (const command of program.commands) silence(command, io)
}

/** A subcommand does not inherit what is set on the program after it was made. */
function silence(command: Command, io: Io): void {
  command.exitOverride().configureOutput(outputOf(io))
  for (const below of command.commands) silence(below, io)
}

const outputOf = (io: Io) => ({
  writeOut: (text: string) => void io.stdout.write(text),
  writeErr: (text: string) => void io.stderr.write(text),
})

function exitCodeOf(error: unknown, io: Io): number {
  if (error instanceof CommandFailure) {
    io.stderr.write(error.message)
    return error.exitCode
  }
  // Commander has printed what it had to say; help and version are no faults.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  throw error
}
