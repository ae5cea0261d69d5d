// The ops of ops/families.ts on TensorFlow.js and numpy-ts: for each library an object of functions by the names there.
import * as tf from '@tensorflow/tfjs'
import * as np from 'numpy-ts'

const size = 1_000_000

/** TensorFlow.js on its plain backend. Results are discarded before the next call. */
async function tensorflow({ a: dataA, b: dataB, indices, matrix }) {
  await tf.setBackend('cpu')
  const a = tf.tensor1d(dataA)
  const b = tf.tensor1d(dataB)
  const p = a.add(2.5)
  const mask = a.greater(0)
  const none = a.greater(2)
  const m = a.reshape([1000, 1000])
  const n = b.reshape([1000, 1000])
  const index = tf.tensor1d(indices, 'int32')
  const rows = tf.tensor1d(
    indices.slice(0, 1000).map((x) => x % 1000),
    'int32',
  )
  const classes = tf.tensor1d(
    indices.map((x) => x % 1000),
    'int32',
  )
  const sorted = tf
    .range(0, size)
    .div(size / 4)
    .sub(2)
  const s = tf.tensor2d(matrix, [64, 64])
  const labels = tf.oneHot(rows, 1000).toFloat()
  const truth = mask.toFloat()
  const zeros = [1000]
  const columns = classes.expandDims(1)
  const draws = n.slice([0, 0], [1, 1000]).abs().log()
  const row = n.slice([0, 0], [1, 1000])
  const zero = tf.scalar(0)
  const classes2d = classes.reshape([1000, 1000])
  const signal = a.reshape([1, size, 1])
  const taps = b.slice(0, 5).reshape([5, 1, 1])
  const image = m.reshape([1, 1000, 1000, 1])
  const stencil = b.slice(0, 9).reshape([3, 3, 1, 1])
  const [batchA, batchB] = [a, b].map((x) => x.slice(0, 250_000).reshape([100, 50, 50]))
  const optimizer = (made) => {
    const weight = tf.variable(a)
    return () => {
      made.applyGradients({ [weight.name]: b })
      return weight
    }
  }
  const kept = (op) => ({ op, kept: true })
  const ops = {
    add: () => tf.add(a, b),
    mul: () => tf.mul(a, b),
    div: () => tf.div(a, p),
    pow: () => tf.pow(p, b),
    maximum: () => tf.maximum(a, b),
    atan2: () => tf.atan2(a, b),
    abs: () => tf.abs(a),
    sqrt: () => tf.sqrt(p),
    rsqrt: () => tf.rsqrt(p),
    exp: () => tf.exp(a),
    expm1: () => tf.expm1(a),
    log: () => tf.log(p),
    log1p: () => tf.log1p(p),
    sin: () => tf.sin(a),
    cos: () => tf.cos(a),
    square: () => tf.square(a),
    tanh: () => tf.tanh(a),
    erf: () => tf.erf(a),
    floor: () => tf.floor(a),
    round: () => tf.round(a),
    clamp: () => tf.clipByValue(a, -1, 1),
    gt: () => tf.greater(a, b),
    where: () => tf.where(mask, a, b),
    'masked fill': () => tf.where(mask, zero, a),
    'add a row': () => tf.add(m, row),
    relu: () => tf.relu(a),
    leakyRelu: () => tf.leakyRelu(a, 0.1),
    sigmoid: () => tf.sigmoid(a),
    elu: () => tf.elu(a),
    selu: () => tf.selu(a),
    softplus: () => tf.softplus(a),
    softmax: () => tf.softmax(m),
    logSoftmax: () => tf.logSoftmax(m),
    sum: () => tf.sum(a),
    'sum of rows': () => tf.sum(m, 1),
    'sum of columns': () => tf.sum(m, 0),
    mean: () => tf.mean(a),
    'product of rows': () => tf.prod(m.div(1000).add(1), 1),
    max: () => tf.max(a),
    'argmax of rows': () => tf.argMax(m, 1),
    'min of columns': () => tf.min(m, 0),
    'argmin of columns': () => tf.argMin(m, 0),
    variance: () => tf.moments(a).variance,
    norm: () => tf.norm(a),
    logsumexp: () => tf.logSumExp(a),
    any: () => tf.any(none),
    cumsum: () => tf.cumsum(a),
    'cumsum of rows': () => tf.cumsum(m, 1),
    'cumprod of rows': () => tf.cumprod(m.div(2), 1),
    'topk of 10': () => tf.topk(a, 10).values,
    'topk of rows': () => tf.topk(m, 5).values,
    unique: () => tf.unique(classes).values,
    'unique floats': () => tf.unique(a).values,
    bincount: () => tf.bincount(classes, [], 1000),
    searchsorted: () => tf.searchSorted(sorted, a),
    take: () => tf.gather(a, index),
    gather: () => tf.gather(m, classes2d, 1, 1),
    embedding: () => tf.gather(m, rows),
    'rows by number': () => tf.gather(m, rows),
    'scatter to sums': () => tf.scatterND(columns, a, zeros),
    'one hot': () => tf.oneHot(rows, 1000),
    transpose: () => tf.transpose(m),
    cat: () => tf.concat([m, n], 1),
    stack: () => tf.stack([a, b], 1),
    pad: () =>
      tf.pad(m, [
        [1, 1],
        [1, 1],
      ]),
    flip: () => tf.reverse(m, 1),
    tile: () => tf.tile(m.slice([0, 0], [100, 1000]), [10, 1]),
    tril: () => tf.linalg.bandPart(m, -1, 0),
    slice: () => tf.stridedSlice(m, [0, 0], [1000, 1000], [1, 2]),
    'layer norm': () => {
      const { mean, variance } = tf.moments(m, 1, true)
      return m.sub(mean).mul(variance.add(1e-5).rsqrt()).add(1)
    },
    conv1d: () => tf.conv1d(signal, taps, 1, 'valid'),
    conv2d: () => tf.conv2d(image, stencil, 1, 'valid'),
    'max pool': () => tf.maxPool(image, 2, 2, 'valid'),
    'average pool': () => tf.avgPool(image, 2, 2, 'valid'),
    dropout: () => tf.dropout(a, 0.5),
    rand: () => tf.randomUniform([size]),
    randn: () => tf.randomNormal([size]),
    multinomial: () => tf.multinomial(draws, 10_000),
    matmul: () => tf.matMul(m.slice([0, 0], [256, 1000]), n.slice([0, 0], [1000, 256])),
    bmm: () => tf.matMul(batchA, batchB),
    einsum: () => tf.einsum('ij,ij->i', m, n),
    outer: () => tf.outerProduct(a.slice(0, 1000), b.slice(0, 1000)),
    qr: () => tf.abs(tf.linalg.qr(s)[1]),
    mse: () => tf.losses.meanSquaredError(b, a),
    l1: () => tf.losses.absoluteDifference(b, a),
    huber: () => tf.losses.huberLoss(b, a),
    'cross entropy': () => tf.losses.softmaxCrossEntropy(labels, m),
    'binary cross entropy': () => tf.losses.sigmoidCrossEntropy(truth, a),
    SGD: kept(optimizer(tf.train.sgd(1e-6))),
    'SGD with momentum': kept(optimizer(tf.train.momentum(1e-6, 0.9))),
    Adam: kept(optimizer(tf.train.adam(1e-6))),
    Adagrad: kept(optimizer(tf.train.adagrad(1e-6))),
    RMSprop: kept(optimizer(tf.train.rmsprop(1e-6))),
    Adadelta: kept(optimizer(tf.train.adadelta(1e-6))),
    Adamax: kept(optimizer(tf.train.adamax(1e-6))),
  }
  return Object.fromEntries(
    Object.entries(ops).map(([name, given]) => {
      const work = given.kept ? given.op : given
      return [
        name,
        {
          sum: () =>
            tf.tidy(() =>
              work()
                .dataSync()
                .reduce((sum, x) => sum + x, 0),
            ),
          times(n) {
            for (let i = 1; i < n; i++) tf.tidy(() => void work())
            return tf.tidy(() => work().dataSync()[0])
          },
        },
      ]
    }),
  )
}

function numpyTs({ a: dataA, b: dataB, indices, matrix }) {
  const array = (data, ...shape) => np.array(data).reshape(...shape)
  const a = array(dataA, size)
  const b = array(dataB, size)
  const p = np.add(a, np.array([2.5], 'float32'))
  const mask = np.greater(a, 0)
  const none = np.greater(a, 2)
  const m = a.reshape(1000, 1000)
  const n = b.reshape(1000, 1000)
  const index = array(indices, size)
  const classes = np.array(indices.map((x) => x % 1000))
  const classes2d = classes.reshape(1000, 1000)
  const rows = np.array(indices.slice(0, 1000).map((x) => x % 1000))
  const row = n.slice('0')
  const ordered = np.array(Float32Array.from({ length: size }, (_, i) => i / (size / 4) - 2))
  const signal = array(dataA.slice(0, 250_000), 100, 50, 50)
  const taps = array(dataB.slice(0, 250_000), 100, 50, 50)
  const weights = Array.from(dataB.slice(0, 1000), Math.abs)
  const total = weights.reduce((sum, x) => sum + x, 0)
  const chances = np.array(weights.map((x) => x / total))
  const s = array(matrix, 64, 64)
  const positive = np.matmul(s, s.transpose())
  const definite = np.add(np.matmul(m, m.transpose()), np.multiply(np.eye(1000), 1000)).astype('float32')
  const part = np.ascontiguousarray(definite.slice('0:512', '0:512'))
  const ops = {
    add: () => np.add(a, b),
    mul: () => np.multiply(a, b),
    div: () => np.divide(a, p),
    pow: () => np.power(p, b),
    maximum: () => np.maximum(a, b),
    atan2: () => np.arctan2(a, b),
    abs: () => np.absolute(a),
    sqrt: () => np.sqrt(p),
    exp: () => np.exp(a),
    expm1: () => np.expm1(a),
    log: () => np.log(p),
    log1p: () => np.log1p(p),
    sin: () => np.sin(a),
    cos: () => np.cos(a),
    square: () => np.square(a),
    tanh: () => np.tanh(a),
    floor: () => np.floor(a),
    round: () => np.rint(a),
    clamp: () => np.clip(a, -1, 1),
    gt: () => np.greater(a, b),
    where: () => np.where(mask, a, b),
    'add a row': () => np.add(m, row),
    relu: () => np.maximum(a, 0),
    sum: () => np.sum(a),
    'sum of rows': () => np.sum(m, 1),
    'sum of columns': () => np.sum(m, 0),
    mean: () => np.mean(a),
    max: () => np.max(a),
    'argmax of rows': () => np.argmax(m, 1),
    'product of rows': () => np.prod(np.add(np.divide(m, 1000), 1), 1),
    'min of columns': () => np.amin(m, 0),
    'argmin of columns': () => np.argmin(m, 0),
    std: () => np.std(a),
    variance: () => np.variance(a),
    norm: () => np.linalg.norm(a),
    any: () => np.any(none),
    cumsum: () => np.cumsum(a),
    'cumsum of rows': () => np.cumsum(m, 1),
    'cumprod of rows': () => np.cumprod(np.divide(m, 2), 1),
    sort: () => np.sort(a),
    argsort: () => np.argsort(b),
    median: () => np.median(a),
    quantile: () => np.quantile(a, 0.3),
    unique: () => np.unique(classes),
    'unique floats': () => np.unique(a),
    bincount: () => np.bincount(classes),
    searchsorted: () => np.searchsorted(ordered, a),
    take: () => np.take(a, index),
    gather: () => np.take_along_axis(m, classes2d, 1),
    'rows by number': () => np.take(m, rows, 0),
    'scatter to sums': () => np.bincount(classes, a),
    'masked select': () => np.extract(mask, a),
    transpose: () => np.ascontiguousarray(m.transpose()),
    cat: () => np.concatenate([m, n], 1),
    stack: () => np.stack([a, b], 1),
    pad: () => np.pad(m, 1),
    flip: () => np.ascontiguousarray(np.flip(m, 1)),
    roll: () => np.roll(m, 10, 1),
    tile: () => np.tile(m.slice('0:100'), [10, 1]),
    slice: () => np.ascontiguousarray(m.slice(':', '::2')),
    tril: () => np.tril(m),
    rand: () => np.random.random([size]),
    randn: () => np.random.standard_normal([size]),
    multinomial: () => np.random.choice(1000, 10_000, true, chances),
    exponential: () => np.random.exponential(1, [size]),
    permutation: () => np.random.permutation(size),
    matmul: () => np.matmul(m.slice('0:256'), n.slice(':', '0:256')),
    outer: () => np.outer(a.slice('0:1000'), b.slice('0:1000')),
    bmm: () => np.matmul(signal, taps),
    einsum: () => np.einsum('ij,ij->i', m, n),
    qr: () => np.absolute(np.linalg.qr(s).r),
    inv: () => np.linalg.inv(s),
    det: () => np.linalg.det(np.divide(s, 16)),
    solve: () => np.linalg.solve(s, m.slice('0:64')),
    eigvalsh: () => np.linalg.eigvalsh(positive),
    eigh: () => np.linalg.eigh(positive).w,
    svd: () => np.linalg.svd(s).s,
    pinv: () => np.linalg.pinv(s),
    lstsq: () => np.linalg.lstsq(s, m.slice('0:64')).x,
    cholesky: () => np.linalg.cholesky(positive),
    'cholesky of 512': () => np.linalg.cholesky(part),
    'cholesky of 1000': () => np.linalg.cholesky(definite),
    svdvals: () => np.linalg.svdvals(s),
  }
  const free = (x) => void x.dispose?.()
  const sumOf = (x) =>
    typeof x === 'number' ? x : typeof x === 'boolean' ? Number(x) : Number(np.sum(x.astype('float64')))
  return Object.fromEntries(
    Object.entries(ops).map(([name, work]) => [
      name,
      {
        sum: () => sumOf(work()),
        times(count) {
          for (let i = 1; i < count; i++) free(work())
          const last = work()
          free(last)
          return last
        },
      },
    ]),
  )
}

export const peers = async (inputs) => ({ 'tfjs-cpu': await tensorflow(inputs), 'numpy-ts': numpyTs(inputs) })
