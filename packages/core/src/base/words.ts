// The words for dtypes as constants, PyTorch's `torch.float32`: each is the text of a dtype, wherever one is taken.

/** Floating-point numbers of 32 bits: the dtype of numbers, unless another is given. */
export const float32 = 'float32'
/** Floating-point numbers of 64 bits. */
export const float64 = 'float64'
/** Whole numbers of 32 bits, which take int64's place. */
export const int32 = 'int32'
/** Whole numbers from 0 to 255. */
export const uint8 = 'uint8'
/** True and false. */
export const bool = 'bool'
/** PyTorch's other word for float32. */
export const float = 'float32'
/** PyTorch's other word for float64. */
export const double = 'float64'
/** PyTorch's other word for int32. */
export const int = 'int32'
/** int32, which takes int64's place: JavaScript's numbers cannot hold int64. */
export const long = 'int32'
/** int32, which takes int64's place: JavaScript's numbers cannot hold int64. */
export const int64 = 'int32'
