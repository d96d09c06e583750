import Driving
import EngineFuzzing

fuzz(EngineFuzzing.surviveIndex)
