import Driving
import EngineFuzzing

fuzz(EngineFuzzing.surviveTimeline)
