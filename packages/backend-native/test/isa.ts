// The kernels' part of the conformance suite, on the instruction sets that this processor has but would not choose.
import { describeBackend } from '@flambeau/backend-conformance'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { native } from '../src/index.ts'

/** Registers the suite for an instruction set; if the processor lacks it, a test that says so. */
export async function describeKernels(isa: string): Promise<void> {
  if (nativeMissing !== undefined) return void testWith('native', nativeMissing, `conformance on ${isa}`, () => {})
  const missing = await native({ isa }).then(
    () => undefined,
    (error: Error) => error.message,
  )
  if (missing !== undefined) testWith(isa, missing, `conformance on ${isa}`, () => {})
  else describeBackend(() => native({ isa }), { level: 'kernels', bitwise: false })
}
