import Driving
import EngineFuzzing

fuzz(EngineFuzzing.surviveJoin)
