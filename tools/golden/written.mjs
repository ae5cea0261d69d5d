// Prints the files that flambeau writes, as JSON of base64, for files.py: other programs open them there. The test of
// files checks that flambeau still writes these bytes. Needs packages that are built.
import { float64, int32, nn, save, tensor, uint8 } from 'flambeau'

const special = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  0,
  1e-45,
  65519,
  65520,
  2 ** -25,
  1 / 3,
]
const doubles = tensor([...special, 5e-324, Math.PI], { dtype: float64 })
const model = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3))
for (const p of model.parameters()) nn.init.constant_(p, 0.25)
const w = tensor([
  [1, 2],
  [3, 4],
])

export const trees = {
  dtypes: {
    floats: tensor(special),
    doubles,
    ints: tensor([0, -1, 2 ** 31 - 1, -(2 ** 31)], { dtype: int32 }),
    bytes: tensor([0, 255, 7], { dtype: uint8 }),
    bools: tensor([[true], [false]]),
    scalar: tensor(2.5),
    empty: tensor([]).reshape(0, 3),
    transposed: w.t(),
  },
  'a state dict': model.stateDict(),
  'a training': {
    model: { tied: w, again: w },
    epoch: 3,
    note: 'é "$',
    rates: [0.1, Number.NaN],
    $: null,
    state: Uint8Array.of(1, 2),
  },
}
const files = {}
for (const [name, tree] of Object.entries(trees)) {
  files[`${name}.safetensors`] = await save(tree)
  files[`${name}, float16.safetensors`] = await save(tree, undefined, { dtype: 'float16' })
  files[`${name}, bfloat16.safetensors`] = await save(tree, undefined, { dtype: 'bfloat16' })
}
const { dtypes } = trees
files['dtypes.npz'] = await save(dtypes, undefined, { format: 'npz' })
files['dtypes, float16.npz'] = await save(dtypes, undefined, { format: 'npz', dtype: 'float16' })
for (const [name, x] of Object.entries(dtypes)) files[`${name}.npy`] = await save(x, undefined, { format: 'npy' })
console.log(
  JSON.stringify(
    Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')])),
  ),
)
