import Driving
import EngineFuzzing

fuzz(EngineFuzzing.surviveKeys)
