import Driving
import EngineFuzzing

fuzz(EngineFuzzing.surviveRows)
