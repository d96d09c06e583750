import Driving
import EngineFuzzing

fuzz(EngineFuzzing.surviveKeyFiles)
