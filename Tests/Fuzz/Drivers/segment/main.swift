import Driving
import EngineFuzzing

fuzz(EngineFuzzing.surviveSegment)
