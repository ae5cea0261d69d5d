// Normal numbers that the addon makes have the bits of js.
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { describeNormals } from '../../backend-conformance/test/normals.ts'
import { native } from '../src/index.ts'

if (nativeMissing === undefined) describeNormals(await native())
else testWith('native', nativeMissing, 'normal numbers on native', () => {})
