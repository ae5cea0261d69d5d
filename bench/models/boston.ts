// Linear regression on the Boston housing set, all 13 features, full batch, SGD: microseconds an epoch beside PyTorch.
import { bostonFloor } from '../src/floors.ts'
import { boston } from '../src/models.ts'
import { sideBySide } from '../src/side-by-side.ts'

const model = boston()
const floor = bostonFloor(model.data, model.weight, model.bias[0])
await sideBySide({ name: 'boston', title: 'Boston', model, floor, atMost: 0.5, repeat: 200 })
