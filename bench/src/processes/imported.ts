// A process that imports flambeau.
import 'flambeau'
