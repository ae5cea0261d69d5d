// A process that imports flambeau and prints as the others do.
import 'flambeau'

console.log(2.75)
