// Computes the golden values anew with real PyTorch, for `pnpm golden`. Without arguments all of them; with arguments
// those parts that golden.py knows by name, or `transcripts` for what the examples print (minutes).
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, say } from './lib.mjs'

// Parts of golden.py, which runs them.
const parts = ['golden_format.py', 'golden_semantics.py', 'golden_train.py', 'golden_autograd.py']
const python = process.env.PYTHON ?? '/usr/bin/python3'
// OpenBLAS chooses kernels by processor, and the choice moves last digits.
const extraEnv = { OPENBLAS_CORETYPE: 'Haswell' }
const script = (file, args = []) =>
  run(python, [join(root, 'tools', file), ...args], { inherit: true, extraEnv }).then(({ code }) => code)

const { code, output } = await run(python, ['-c', 'import torch, pandas, sklearn; print(torch.__version__)'], {
  extraEnv,
})
if (code !== 0 || !output.startsWith('1.13')) {
  const found = code === 0 ? `PyTorch ${output.trim()}` : 'none'
  say(`golden values come from PyTorch 1.13 with pandas and scikit-learn (found: ${found} in ${python})`)
  say('on Debian 12: apt-get install python3-torch python3-pandas python3-sklearn; or name another one by PYTHON')
  process.exit(1)
}

const args = process.argv.slice(2)
const all = readdirSync(join(root, 'tools')).filter((file) => /^golden.*\.py$/.test(file) && !parts.includes(file))
if (args.includes('transcripts')) process.exitCode = await script('transcripts.py')
else if (args.length > 0) process.exitCode = await script('golden.py', args)
else {
  for (const file of all) {
    say(file)
    process.exitCode = (await script(file)) || process.exitCode
  }
}
