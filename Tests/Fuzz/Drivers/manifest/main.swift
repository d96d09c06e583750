import Driving
import EngineFuzzing

fuzz(EngineFuzzing.surviveManifest)
